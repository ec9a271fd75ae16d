import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { AgentSpec } from '../agent-spec.js';
import { errorCode, errorMessage } from '../../errors/index.js';
import { readJsonFile, TextRoom, type UserFolders } from '../../files/index.js';
import { isJsonObject, asText } from '../../json/index.js';
import type { Repositories } from './repositories.js';
import {
  findPlugin,
  marketplacesOf,
  pluginsOf,
  projectPluginFolders,
  checkedPluginManifest,
  readPlugin,
  PluginSources,
  userPluginFolders,
  type Marketplace,
  type Plugin,
  type PluginSource,
} from './plugins/index.js';
import { readMemory } from './memory.js';
import { skillsForModel } from './files/instruction-files.js';
import { firstByName, skillsOf, stringsIn, type Skill } from './skill.js';
import { publicSkillsFolder, readPublicSkills } from './files/public-skills.js';
import { readProjectSkills, readSharedSkills, readUserSkills } from './files/skill-sources.js';
import type { Warn } from './files/skill-folder.js';

/** The context of an agent, as its configuration requests it. */
interface LoadedContext {
  /** All skills, including those in the agent's configuration. */
  skills: Skill[];
  memory: string | undefined;
}

/** The file of the public repository that lists the offered skills. */
export const DEFAULT_MARKETPLACE = 'marketplaces/default.json';

/** The agent whose context is loaded. */
interface ContextRequest {
  agent: AgentSpec;
  /** Absolute path. */
  workspace: string;
  /** Name of the agent's owner in log lines. */
  owner: string;
}

/** Reads skills, plugins and memory of projects and of the user. Nothing is cached. */
export class ContextLoader {
  private readonly logger = new Logger(ContextLoader.name);
  /** Logged once: clients enable public skills in every conversation. */
  private publicSkillsLogged = false;

  private readonly sources: PluginSources;

  constructor(
    private readonly repositories: Repositories,
    /** Base of relative plugin paths (absolute path). */
    private readonly baseDir: string,
    /** The user's folders for all projects. */
    readonly user: UserFolders,
  ) {
    this.sources = new PluginSources(repositories, path.join(user.openhands, 'cache', 'sources'));
  }

  /** Loads skills and memory. Never fails: unreadable files are skipped and logged. */
  async load({ agent, workspace, owner }: ContextRequest): Promise<LoadedContext> {
    const { agent_context: context } = agent;
    if (!context) return { skills: [], memory: undefined };
    const warn = this.warn(owner);
    if (context['load_public_skills'] === true) await this.logMissingPublicSkills();
    const list = asText(context['marketplace_path']) ?? DEFAULT_MARKETPLACE;
    const [project, user, publicSkills, memory] = await Promise.all([
      context['load_project_skills'] === true ? this.projectSkills(workspace, warn) : [],
      context['load_user_skills'] === true ? this.userSkills(warn) : [],
      context['load_public_skills'] === true ? this.publicSkills(list, warn) : [],
      context['load_memory'] === true ? readMemory(workspace, warn) : undefined,
    ]);
    const disabled = new Set(stringsIn(context['disabled_skills']));
    const all = firstByName(skillsForModel(project, agent.llm.model), skillsOf(agent), user, publicSkills);
    return { skills: all.filter(({ name }) => !disabled.has(name)), memory };
  }

  /**
   * The folder of a plugin; a repository is fetched with git.
   * @throws PluginSourceError
   */
  async pluginFolder(source: PluginSource): Promise<string> {
    const folder = await this.sources.resolve(source, this.baseDir);
    await checkedPluginManifest(folder);
    return folder;
  }

  /** Reads the plugins in the given folders; broken parts are skipped. */
  async readPlugins(folders: readonly string[], owner: string): Promise<Plugin[]> {
    const room = new TextRoom();
    const plugins: Plugin[] = [];
    // One after another, so that the size limit does not depend on the order of completion.
    for (const folder of folders) {
      if (room.isFull) break;
      plugins.push(await readPlugin(folder, this.warn(owner), room));
    }
    return plugins;
  }

  /**
   * Reads a plugin of a registered marketplace, given as `plugin@marketplace` or by its name alone.
   * @throws UnknownPluginError, PluginSourceError
   */
  async readMarketPlugin(ref: string, { agent, owner }: Omit<ContextRequest, 'workspace'>): Promise<Plugin> {
    const warn = this.warn(owner);
    const marketplaces = marketplacesOf(agent.agent_context);
    return readPlugin(await findPlugin(ref, marketplaces, this.sources, this.baseDir, warn), warn);
  }

  /**
   * The folders of the plugins that marketplaces load automatically. Unavailable ones are skipped and logged.
   */
  async autoLoadedPlugins({ agent, owner }: Omit<ContextRequest, 'workspace'>): Promise<string[]> {
    return this.autoLoadedFolders(marketplacesOf(agent.agent_context), this.warn(owner));
  }

  private async autoLoadedFolders(marketplaces: readonly Marketplace[], warn: Warn): Promise<string[]> {
    const folders: string[] = [];
    for (const market of marketplaces) {
      if (market.auto_load === false) continue;
      try {
        folders.push(...(await this.autoLoadedFoldersOf(market, warn)));
      } catch (error) {
        warn(`marketplace ${market.name}`, errorMessage(error));
      }
    }
    return folders;
  }

  private async autoLoadedFoldersOf(market: Marketplace, warn: Warn): Promise<string[]> {
    const { auto_load: wanted } = market;
    const plugins = await pluginsOf(market, this.sources, this.baseDir, warn);
    const chosen = [...plugins].filter(([name]) => wanted === true || (wanted && wanted.includes(name)));
    return Promise.all(chosen.map(([, folder]) => folder()));
  }

  /** The folders of the user's plugins for all projects, without disabled ones. */
  userPlugins(): Promise<string[]> {
    return userPluginFolders(this.user);
  }

  /**
   * The folders of a project's plugins.
   * @param project absolute path
   */
  projectPlugins(project: string): Promise<string[]> {
    return projectPluginFolders(project);
  }

  /** The skills and instructions of a project. */
  projectSkills(workspace: string, warn: Warn): Promise<Skill[]> {
    return readProjectSkills(workspace, this.repositories, warn);
  }

  /** The user's skills for all projects. */
  userSkills(warn: Warn): Promise<Skill[]> {
    return readUserSkills(this.user, warn);
  }

  /**
   * The skills of a repository that an organisation shares between its projects.
   * @param repository absolute path
   */
  sharedSkills(repository: string, warn: Warn): Promise<Skill[]> {
    return readSharedSkills(repository, warn);
  }

  /** Skills of the public repository as last fetched; none if it was never fetched. */
  publicSkills(list: string | null, warn: Warn): Promise<Skill[]> {
    return readPublicSkills(publicSkillsFolder(this.user), list, warn);
  }

  /** The skills of the plugins that marketplaces load automatically. Never fails. */
  async marketplaceSkills(registered: readonly unknown[], owner: string): Promise<Skill[]> {
    const marketplaces = marketplacesOf({ registered_marketplaces: registered });
    const plugins = await this.readPlugins(
      await this.autoLoadedFolders(marketplaces, this.warn(owner)),
      owner,
    );
    return plugins.flatMap(({ skills }) => skills);
  }

  /** The content of a project's hook file, not validated; undefined if there is no readable file. */
  async projectHooks(project: string): Promise<unknown> {
    const file = path.join(project, '.openhands', 'hooks.json');
    try {
      return await readJsonFile(file, { root: project });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.warn('hooks')(file, errorMessage(error));
      return undefined;
    }
  }

  /** Returns a function that logs unusable files. */
  warn(owner: string): Warn {
    return (file, problem) => this.logger.warn(`${owner}: ${file}: ${problem}`);
  }

  private async logMissingPublicSkills(): Promise<void> {
    if (this.publicSkillsLogged) return;
    this.publicSkillsLogged = true;
    const fetched = await stat(publicSkillsFolder(this.user)).catch(() => undefined);
    if (fetched) return;
    this.logger.log('public skills are not loaded: they were never fetched (POST /api/skills/sync)');
  }
}

/** Whether an agent's configuration requests any context. */
export function needsContext({ agent_context: context }: AgentSpec): boolean {
  if (!isJsonObject(context)) return false;
  const flags = ['load_project_skills', 'load_user_skills', 'load_public_skills', 'load_memory'];
  return flags.some((flag) => context[flag] === true) || stringsIn(context['disabled_skills']).length > 0;
}
