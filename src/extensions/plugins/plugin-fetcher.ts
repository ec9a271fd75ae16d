import { createHash } from 'node:crypto';
import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { ContextLoader, readPlugin, readPluginManifest } from '../../agent/index.js';
import { makeFolder } from '../../files/index.js';
import { maskRemote } from '../../text/index.js';
import type { JsonObject } from '../../json/index.js';
import { InvalidExtensionError } from '../installation/extension-errors.js';
import { isLocal, type OpenedSource } from '../installation/extension-source.js';
import { Staging } from '../installation/staging.js';
import type { FetchPluginRequestDto } from './plugins.dto.js';

/** A fetched plugin. */
export interface FetchedPlugin {
  /** Absolute path. */
  path: string;
  /** The commit; null for a path. */
  resolved_ref: string | null;
  source: string;
  repo_path: string | null;
  manifest: JsonObject;
  /** Names. */
  skills: string[];
  commands: string[];
}

/** Fetches plugins without installing them. */
@Injectable()
export class PluginFetcher {
  constructor(
    private readonly staging: Staging,
    private readonly context: ContextLoader,
  ) {}

  /**
   * Fetches and describes a plugin. Git does not use the user's configuration.
   * @throws SourceUnavailableError, InvalidExtensionError
   */
  async fetch({ source, ref, repo_path, timeout }: FetchPluginRequestDto): Promise<FetchedPlugin> {
    const options = { timeoutMs: timeout * 1000, withUserConfig: false };
    try {
      return await this.staging.open(
        { source, ref, repo_path },
        async (opened) => {
          const folder = opened.resolvedRef === null ? opened.folder : await this.moveToCache(source, opened);
          const { resolvedRef: resolved_ref } = opened;
          return {
            path: folder,
            resolved_ref,
            source: maskRemote(source),
            repo_path,
            ...(await this.describe(folder)),
          };
        },
        options,
      );
    } catch (error) {
      // A missing folder counts as one without a plugin.
      if (isLocal(source) && !(error instanceof InvalidExtensionError))
        throw new InvalidExtensionError(NO_MANIFEST);
      throw error;
    }
  }

  private async describe(folder: string): Promise<Pick<FetchedPlugin, 'manifest' | 'skills' | 'commands'>> {
    const warn = this.context.warn('plugins');
    const manifest = await readPluginManifest(folder, warn);
    if (manifest === undefined) throw new InvalidExtensionError(NO_MANIFEST);
    const { name, skills } = await readPlugin(folder, warn);
    const prefix = `${name}:`;
    const commands = skills.filter((skill) => skill.name.startsWith(prefix));
    return {
      manifest,
      skills: skills.filter((skill) => !commands.includes(skill)).map((skill) => skill.name),
      commands: commands.map((command) => command.name.slice(prefix.length)),
    };
  }

  /** Moves a repository to a cache folder named after its commit, so that copies in use do not change. */
  private async moveToCache(source: string, { root, folder, resolvedRef }: OpenedSource): Promise<string> {
    const part = path.relative(root, folder);
    const id = createHash('sha256').update(`${source}\0${part}`).digest('hex').slice(0, 16);
    const home = path.join(this.context.user.openhands, 'cache', 'fetched-plugins', id);
    await makeFolder(home, 0o700);
    const kept = path.join(home, resolvedRef ?? '');
    // It may exist from an earlier fetch.
    await rename(root, kept).catch(() => stat(kept));
    return path.join(kept, part);
  }
}

const NO_MANIFEST = 'Invalid plugin: plugin.json not found.';
