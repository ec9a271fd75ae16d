import { Logger } from '@nestjs/common';
import type { AgentSpec } from '../agent-spec.js';
import type { Git } from './instruction-files.js';
import { readMemory } from './memory.js';
import { forModel } from './model-family.js';
import { firstByName, isObject, skillsOf, texts, type Skill } from './skill.js';
import { readProjectSkills, readUserSkills } from './skill-sources.js';
import type { Warn } from './skill-folder.js';

/** What an agent is to know, read from where its context says. */
export interface LoadedContext {
  /** All skills of the agent, those of its context too. */
  skills: Skill[];
  memory: string | undefined;
}

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

  constructor(private readonly git: Git) {}

  /** Never fails: what cannot be read is left out, and a line of the log names the file. */
  async load({ agent, workspace, owner }: ContextRequest): Promise<LoadedContext> {
    const { agent_context: context } = agent;
    if (!context) return { skills: [], memory: undefined };
    const warn = this.warn(owner);
    if (context['load_public_skills'] === true) this.tellOfPublicSkills();
    const [project, user, memory] = await Promise.all([
      context['load_project_skills'] === true ? this.projectSkills(workspace, warn) : [],
      context['load_user_skills'] === true ? readUserSkills(warn) : [],
      context['load_memory'] === true ? readMemory(workspace, warn) : undefined,
    ]);
    const disabled = new Set(texts(context['disabled_skills']));
    const all = firstByName(forModel(project, agent.llm.model), skillsOf(agent), user);
    return { skills: all.filter(({ name }) => !disabled.has(name)), memory };
  }

  /** What a project tells agents. */
  projectSkills(workspace: string, warn: Warn): Promise<Skill[]> {
    return readProjectSkills(workspace, this.git, warn);
  }

  /** Tells the log of files that cannot be used. */
  warn(owner: string): Warn {
    return (file, problem) => this.logger.warn(`${owner}: ${file}: ${problem}`);
  }

  private tellOfPublicSkills(): void {
    if (this.saidPublic) return;
    this.saidPublic = true;
    this.logger.log('public skills are not loaded: this server fetches nothing from the network by itself');
  }
}

/** Whether there is anything to read for an agent. */
export function wantsContext({ agent_context: context }: AgentSpec): boolean {
  if (!isObject(context)) return false;
  const flags = ['load_project_skills', 'load_user_skills', 'load_public_skills', 'load_memory'];
  return flags.some((flag) => context[flag] === true) || texts(context['disabled_skills']).length > 0;
}
