import { access } from 'node:fs/promises';
import path from 'node:path';
import { Injectable } from '@nestjs/common';
import {
  ContextLoader,
  DEFAULT_MARKETPLACE,
  isInPart,
  readMarketplaceFile,
  type ListedExtension,
} from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import { isLocal, openSource } from '../installation/extension-source.js';
import { Installations } from '../installation/installations.js';
import { readPluginContents, type PluginContents } from '../plugins/plugin-contents.js';
import { PublicRepository } from './public-repository.js';

/** A skill offered by a marketplace. */
export interface MarketplaceSkill {
  name: string;
  description: string | null;
  /** Source for an installation: absolute path of its folder. */
  source: string;
  installed: boolean;
}

/** A plugin offered by a marketplace. */
export interface MarketplacePlugin extends MarketplaceSkill, PluginContents {
  ref: string | null;
  repo_path: string | null;
  path: string;
}

/** Marketplace files in a folder. */
const MARKETPLACE_FILES = [
  '.plugin/marketplace.json',
  '.claude-plugin/marketplace.json',
  DEFAULT_MARKETPLACE,
];

/**
 * Lists what local marketplaces offer: the public one as last fetched, and configured folders. Nothing is
 * fetched.
 */
@Injectable()
export class MarketplaceCatalogue {
  constructor(
    private readonly context: ContextLoader,
    private readonly publicRepository: PublicRepository,
    private readonly installations: Installations,
    private readonly config: AppConfig,
  ) {}

  /** All offered extensions. */
  async skills(): Promise<MarketplaceSkill[]> {
    const installed = await namesOf(this.installations.skills.list());
    const entries = await this.entries();
    return entries.map(({ name, description, folder }) => ({
      ...{ name, description, source: folder },
      installed: installed.has(name),
    }));
  }

  /** The offered plugins. */
  async plugins(): Promise<MarketplacePlugin[]> {
    const installed = await namesOf(this.installations.plugins.list());
    const entries = (await this.entries()).filter(({ isPlugin }) => isPlugin);
    return Promise.all(
      entries.map(async ({ name, description, folder }) => {
        const { contents } = await readPluginContents(folder, this.context.warn('marketplace'));
        const refs = { ref: null, repo_path: null, installed: installed.has(name), path: folder };
        return { name, description, source: folder, ...refs, ...contents };
      }),
    );
  }

  private async entries(): Promise<(ListedExtension & { isPlugin: boolean })[]> {
    const root = this.publicRepository.folder;
    const warn = this.context.warn('marketplace');
    const ofPublic = (await readMarketplaceFile(root, DEFAULT_MARKETPLACE, warn)).map((entry) => ({
      ...entry,
      isPlugin: isInPart(root, 'plugins', entry.folder),
    }));
    const configured = await Promise.all((await this.folders()).map((folder) => this.listed(folder)));
    return [...ofPublic, ...configured.flat()];
  }

  private async listed(folder: string): Promise<(ListedExtension & { isPlugin: boolean })[]> {
    for (const list of MARKETPLACE_FILES) {
      const entries = await readMarketplaceFile(folder, list, this.context.warn('marketplace'));
      if (entries.length === 0) continue;
      return Promise.all(
        entries.map(async (entry) => ({ ...entry, isPlugin: !(await isSkill(entry.folder)) })),
      );
    }
    return [];
  }

  private async folders(): Promise<string[]> {
    const { base_dir: baseDir, github_url: github, registered_marketplaces: registered } = this.config;
    const folders: string[] = [];
    for (const { source, repo_path } of registered.filter((market) => isLocal(market.source))) {
      const options = { baseDir, github, target: '' };
      const opened = await openSource({ source, ref: null, repo_path }, options).catch(() => undefined);
      if (opened) folders.push(opened.folder);
    }
    return folders;
  }
}

async function isSkill(folder: string): Promise<boolean> {
  return access(path.join(folder, 'SKILL.md')).then(
    () => true,
    () => false,
  );
}

async function namesOf(list: Promise<{ name: string }[]>): Promise<Set<string>> {
  const installed = await list.catch(() => []);
  return new Set(installed.map(({ name }) => name));
}
