import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { AgentSpec } from '../agent-spec.js';
import { errorCode, errorMessage } from '../../errors/index.js';
import { readJsonFile, TextRoom, type UserFolders } from '../../files/index.js';
import { isJsonObject } from '../../json/index.js';
import type { Repositories } from './repositories.js';
import {
  findPlugin,
  marketplacesOf,
  pluginsOf,
  projectPluginFolders,
  checkedPluginManifest,
  readPlugin,
  Sources,
  userPluginFolders,
  type Marketplace,
  type Plugin,
  type Source,
} from './plugins/index.js';
import { readMemory } from './memory.js';
import { forModel } from './model-family.js';
import { firstByName, skillsOf, textOrNull, texts, type Skill } from './skill.js';
import { publicFolder, readPublicSkills } from './public-skills.js';
import { readProjectSkills, readSharedSkills, readUserSkills } from './skill-sources.js';
import type { Warn } from './skill-folder.js';

/** What an agent is to know, read from where its context says. */
export interface LoadedContext {
  /** All skills of the agent, those of its context too. */
  skills: Skill[];
  memory: string | undefined;
}

/** The file of the public repository that says which skills are offered. */
export const DEFAULT_LIST = 'marketplaces/default.json';

/** For whom a context is read. */
export interface ContextRequest {
  agent: AgentSpec;
  /** Absolute path. */
  workspace: string;
  /** What the log calls it. */
  owner: string;
}

/** Reads skills and memory of projects and of the user. Reads when asked, keeps nothing. */
export class ContextLoader {
  private readonly logger = new Logger(ContextLoader.name);
  /** Said once: clients switch it on in every conversation. */
  private saidPublic = false;

  private readonly sources: Sources;

  constructor(
    private readonly repositories: Repositories,
    /** What relative paths of plugins are relative to (absolute path). */
    private readonly baseDir: string,
    /** Where the person keeps what is meant for all projects. */
    readonly user: UserFolders,
  ) {
    this.sources = new Sources(repositories, path.join(user.openhands, 'cache', 'sources'));
  }

  /** Never fails: what cannot be read is left out, and a line of the log names the file. */
  async load({ agent, workspace, owner }: ContextRequest): Promise<LoadedContext> {
    const { agent_context: context } = agent;
    if (!context) return { skills: [], memory: undefined };
    const warn = this.warn(owner);
    if (context['load_public_skills'] === true) await this.tellOfPublicSkills();
    const list = textOrNull(context['marketplace_path']) ?? DEFAULT_LIST;
    const [project, user, open, memory] = await Promise.all([
      context['load_project_skills'] === true ? this.projectSkills(workspace, warn) : [],
      context['load_user_skills'] === true ? this.userSkills(warn) : [],
      context['load_public_skills'] === true ? this.publicSkills(list, warn) : [],
      context['load_memory'] === true ? readMemory(workspace, warn) : undefined,
    ]);
    const disabled = new Set(texts(context['disabled_skills']));
    const all = firstByName(forModel(project, agent.llm.model), skillsOf(agent), user, open);
    return { skills: all.filter(({ name }) => !disabled.has(name)), memory };
  }

  /**
   * The folder of a plugin, fetched by git where it is a repository.
   * @throws SourceError
   */
  async pluginFolder(source: Source): Promise<string> {
    const folder = await this.sources.resolve(source, this.baseDir);
    await checkedPluginManifest(folder);
    return folder;
  }

  /** Reads the plugins in some folders; what is broken in one is left out. */
  async readPlugins(folders: readonly string[], owner: string): Promise<Plugin[]> {
    const room = new TextRoom();
    const plugins: Plugin[] = [];
    // One after the other: what there is room for does not depend on which is read faster.
    for (const folder of folders) {
      if (room.isFull) break;
      plugins.push(await readPlugin(folder, this.warn(owner), room));
    }
    return plugins;
  }

  /**
   * Reads a plugin of a marketplace: `plugin@marketplace`, or its name alone.
   * @throws UnknownPluginError, SourceError
   */
  async readMarketPlugin(ref: string, { agent, owner }: Omit<ContextRequest, 'workspace'>): Promise<Plugin> {
    const warn = this.warn(owner);
    const marketplaces = marketplacesOf(agent.agent_context);
    return readPlugin(await findPlugin(ref, marketplaces, this.sources, this.baseDir, warn), warn);
  }

  /**
   * The folders of plugins that marketplaces want loaded; one that cannot be had is left out, and the log
   * says so.
   */
  async autoLoaded({ agent, owner }: Omit<ContextRequest, 'workspace'>): Promise<string[]> {
    return this.wantedOfAll(marketplacesOf(agent.agent_context), this.warn(owner));
  }

  private async wantedOfAll(marketplaces: readonly Marketplace[], warn: Warn): Promise<string[]> {
    const folders: string[] = [];
    for (const market of marketplaces) {
      if (market.auto_load === false) continue;
      try {
        folders.push(...(await this.wantedOf(market, warn)));
      } catch (error) {
        warn(`marketplace ${market.name}`, errorMessage(error));
      }
    }
    return folders;
  }

  private async wantedOf(market: Marketplace, warn: Warn): Promise<string[]> {
    const { auto_load: wanted } = market;
    const plugins = await pluginsOf(market, this.sources, this.baseDir, warn);
    const chosen = [...plugins].filter(([name]) => wanted === true || (wanted && wanted.includes(name)));
    return Promise.all(chosen.map(([, folder]) => folder()));
  }

  /**
   * The folders of the plugins that a person keeps for all projects, those that are switched off excepted.
   */
  userPlugins(): Promise<string[]> {
    return userPluginFolders(this.user);
  }

  /** The folders of the plugins that a project (absolute path) brings along. */
  projectPlugins(project: string): Promise<string[]> {
    return projectPluginFolders(project);
  }

  /** What a project tells agents. */
  projectSkills(workspace: string, warn: Warn): Promise<Skill[]> {
    return readProjectSkills(workspace, this.repositories, warn);
  }

  /** What a person keeps for all projects. */
  userSkills(warn: Warn): Promise<Skill[]> {
    return readUserSkills(this.user, warn);
  }

  /** The skills of a repository (absolute path) that an organisation keeps for all its projects. */
  sharedSkills(repository: string, warn: Warn): Promise<Skill[]> {
    return readSharedSkills(repository, warn);
  }

  /** Skills of the public repository, as it was last fetched; none where it never was. */
  publicSkills(list: string | null, warn: Warn): Promise<Skill[]> {
    return readPublicSkills(publicFolder(this.user), list, warn);
  }

  /** The skills of the plugins that marketplaces load by themselves. Never fails. */
  async marketplaceSkills(registered: readonly unknown[], owner: string): Promise<Skill[]> {
    const marketplaces = marketplacesOf({ registered_marketplaces: registered });
    const plugins = await this.readPlugins(await this.wantedOfAll(marketplaces, this.warn(owner)), owner);
    return plugins.flatMap(({ skills }) => skills);
  }

  /** What the hook file of a project holds, unchecked; undefined where there is none that can be read. */
  async projectHooks(project: string): Promise<unknown> {
    const file = path.join(project, '.openhands', 'hooks.json');
    try {
      return await readJsonFile(file, { root: project });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.warn('hooks')(file, errorMessage(error));
      return undefined;
    }
  }

  /** Tells the log of files that cannot be used. */
  warn(owner: string): Warn {
    return (file, problem) => this.logger.warn(`${owner}: ${file}: ${problem}`);
  }

  private async tellOfPublicSkills(): Promise<void> {
    if (this.saidPublic) return;
    this.saidPublic = true;
    const fetched = await stat(publicFolder(this.user)).catch(() => undefined);
    if (fetched) return;
    this.logger.log(
      'public skills are not loaded: they are fetched when somebody asks for it (POST /api/skills/sync)',
    );
  }
}

/** Whether there is anything to read for an agent. */
export function wantsContext({ agent_context: context }: AgentSpec): boolean {
  if (!isJsonObject(context)) return false;
  const flags = ['load_project_skills', 'load_user_skills', 'load_public_skills', 'load_memory'];
  return flags.some((flag) => context[flag] === true) || texts(context['disabled_skills']).length > 0;
}
