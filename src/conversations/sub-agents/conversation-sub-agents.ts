import path from 'node:path';
import { toolErrorDraft, rejectionDraft, userMessage } from '../../agent/event-drafts.js';
import { AGENT_MISTAKE } from '../../agent/error-classification.js';
import type { AgentSpec } from '../../agent/agent-spec.js';
import { Hooks } from '../../agent/hooks/index.js';
import type { PromptFiles } from '../../agent/prompt/prompt-files.js';
import { systemPromptDraft } from '../../agent/prompt/system-prompt.js';
import { firstByName, skillsOf, type Skill, type Warn } from '../../agent/skills/index.js';
import {
  agentTypes,
  readProjectDefinitions,
  readUserDefinitions,
  subAgentSpec,
  type AgentType,
} from '../../agent/sub-agents/index.js';
import { errorMessage } from '../../errors/index.js';
import { plainText, type EventDraft } from '../../events/index.js';
import type { LlmConfig } from '../../llm/request/llm-config.js';
import { HostRefusal, type SubAgents, type TaskResult } from '../../tools/tool-host.js';
import type { JsonObject } from '../../json/index.js';
import { promptFilesOf } from '../context/prompt-files.js';
import { HookContext } from '../agent-runtime/hook-context.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { EventSink } from '../journal/event-sink.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { UsageMeter } from '../state/usage-meter.js';
import type { SecretVault } from '../secrets/secret-vault.js';
import type { Toolset } from '../agent-runtime/toolset.js';
import { definedTypes } from './definitions.js';
import { TaskLogs } from './task-log.js';
import { TaskSession, type TaskParts } from './task-session.js';
import { makeTaskTools } from './task-tools.js';

/** The name that agents have the tool by which gives tasks. */
const TASK_TOOLS = 'task_tool_set';
const FOLDER = 'tasks';
const INTERRUPTED = 'Tool call interrupted before completion. The task was ended.';

/** The task that a call asks for. */
interface Task {
  prompt: string;
  type: string;
  resume?: string;
}

/**
 * The sub-agents of one conversation. Each task is a run of its own inside the call that asked for it: with
 * its own view, log and tools, with the secrets, policy and tool hooks of the conversation, and at its cost.
 */
export class ConversationSubAgents implements SubAgents {
  private logsOpened: TaskLogs | undefined;
  /** Those that stand in files, as they were read last. */
  private inFiles: AgentType[] = [];

  constructor(
    private readonly sink: EventSink,
    private readonly masker: SecretMasker,
    private readonly usage: UsageMeter,
    private readonly vault: SecretVault,
    private readonly toolset: Toolset,
    private readonly services: Pick<
      ConversationServices,
      'config' | 'context' | 'llm' | 'loop' | 'models' | 'toolRegistry'
    >,
  ) {}

  private get logs(): TaskLogs {
    return (this.logsOpened ??= new TaskLogs(path.join(this.toolset.host().folder, FOLDER)));
  }

  get types(): AgentType[] {
    return [...this.known().values()];
  }

  async run(task: Task, signal: AbortSignal): Promise<TaskResult> {
    const earlier = task.resume === undefined ? undefined : await this.earlier(task.resume);
    // Files may have changed since the last task.
    await this.prepare();
    const type = this.typeOf(earlier?.subagent ?? task.type);
    this.assertAllowed(type);
    const model = type.profile === undefined ? undefined : await this.modelOf(type.profile);
    const skills = await this.skillsOf(type);
    const taskId = task.resume ?? (await this.logs.begin(type.name));
    const agent = subAgentSpec(this.sink.state.agent, type, { taskId, model, skills });
    const { toolRegistry: registry } = this.services;
    const place = { toolset: this.toolset, registry, folder: path.join(FOLDER, taskId) };
    const tools = await makeTaskTools(agent, type, place, signal);
    const hooks = this.hooksOf(type);
    try {
      const write: TaskParts['write'] = (events) => this.logs.append(taskId, events);
      const parts = { agent, type, tools: tools.all, hooks, signal, write };
      const session = new TaskSession(this.sink, this.masker, this.usage, parts, earlier?.events ?? []);
      await session.append(...(await this.opening(session, task.prompt)));
      await this.services.loop.run(session);
      signal.throwIfAborted();
      return { taskId, subagent: type.name, ...(await outcome(session)) };
    } finally {
      await Promise.allSettled([hooks.close(), tools.close()]);
    }
  }

  /** Reads the definitions that stand in files, for who can be given tasks. Never fails. */
  async prepare(): Promise<void> {
    if (!this.sink.state.agent.tools.some(({ name }) => name === TASK_TOOLS)) return;
    const [project, user] = await Promise.all([
      readProjectDefinitions(this.toolset.workingDir, this.warn),
      readUserDefinitions(this.services.context.user, this.warn),
    ]);
    this.inFiles = definedTypes([...project, ...user], this.warn);
  }

  /** Those of the request and of plugins, then those in files of the project and of the user. */
  private known(): ReadonlyMap<string, AgentType> {
    const { agent_definitions: definitions } = this.sink.state.rest;
    const given = definedTypes(Array.isArray(definitions) ? definitions : [], this.warn);
    return agentTypes([...given, ...this.inFiles], (name) => this.services.toolRegistry.has(name));
  }

  private get warn(): Warn {
    return this.services.context.warn(`conversation ${this.sink.state.id}`);
  }

  private typeOf(name: string): AgentType {
    const types = this.known();
    const type = types.get(name);
    if (type) return type;
    throw new HostRefusal(`Unknown agent '${name}'. Available types: ${[...types.keys()].join(', ')}.`);
  }

  private async earlier(id: string): ReturnType<TaskLogs['read']> {
    const task = await this.logs.read(id);
    if (task) return task;
    const ids = (await this.logs.ids()).join(', ') || 'none';
    throw new HostRefusal(`Task '${id}' not found. Available tasks: ${ids}`);
  }

  private async modelOf(profile: string): Promise<LlmConfig> {
    try {
      return await this.services.models.load(profile);
    } catch (error) {
      throw new HostRefusal(`LLM profile '${profile}' cannot be used: ${errorMessage(error)}`);
    }
  }

  private async promptFiles(agent: AgentSpec): Promise<PromptFiles> {
    try {
      return await promptFilesOf(agent, this.services, `conversation ${this.sink.state.id}`);
    } catch (error) {
      throw new HostRefusal(errorMessage(error));
    }
  }

  /**
   * Programs that a file of the project brings along start without anybody being asked.
   * @throws HostRefusal also when there is no such tool
   */
  private assertAllowed({ name, tools, isFromProject, hooks, mcpServers }: AgentType): void {
    const { kind } = this.sink.state.confirmation_policy;
    if (isFromProject && (hooks ?? mcpServers) && kind !== 'NeverConfirm') {
      throw new HostRefusal(
        `The file of agent '${name}' in the project brings hooks or MCP servers. They would run without anybody's ` +
          'agreement, which this conversation asks for.',
      );
    }
    try {
      this.services.toolRegistry.assertKnown(
        tools.map((tool) => ({ name: tool })),
        [],
      );
    } catch (error) {
      throw new HostRefusal(errorMessage(error));
    }
  }

  /** Skills by name: the calling agent's, or those that the project and the user have in their places. */
  private async skillsOf({ name, skills: wanted }: AgentType): Promise<Skill[]> {
    const own = skillsOf(this.sink.state.agent);
    if (wanted.every((skill) => own.some((known) => known.name === skill)))
      return own.filter((known) => wanted.includes(known.name));
    const { context } = this.services;
    const [project, user] = await Promise.all([
      context.projectSkills(this.toolset.workingDir, this.warn),
      context.userSkills(this.warn),
    ]);
    const all = firstByName(own, project, user);
    const missing = wanted.find((skill) => !all.some((known) => known.name === skill));
    if (missing === undefined) return all.filter((known) => wanted.includes(known.name));
    throw new HostRefusal(`Agent '${name}' wants the skill '${missing}', which is not there.`);
  }

  /** Hooks that watch tools see those of sub-agents too; the others are about the conversation. */
  private hooksOf({ hooks }: AgentType): Hooks {
    const { state } = this.sink;
    const both = (key: string): unknown[] => [...listIn(state.hook_config, key), ...listIn(hooks, key)];
    const hook_config = { pre_tool_use: both('pre_tool_use'), post_tool_use: both('post_tool_use') };
    const context = new HookContext(
      { ...state, hook_config },
      this.masker,
      this.usage,
      this.toolset,
      this.services.toolRegistry,
    );
    return new Hooks(context, this.services.llm);
  }

  /**
   * What comes before the run: the prompt of a new task, errors for what an earlier run has left open, and
   * the message.
   */
  private async opening(session: TaskSession, prompt: string): Promise<EventDraft[]> {
    const open = session.view
      .pendingActions()
      .map((action) => toolErrorDraft(action, INTERRUPTED, AGENT_MISTAKE));
    const definitions = [...session.tools().values()].map(({ definition }) => definition);
    const isNew = session.view.recent.length === 0;
    const files = isNew ? await this.promptFiles(session.agent) : {};
    const facts = { secrets: this.vault.names(), files, now: new Date() };
    return [
      ...(isNew ? [systemPromptDraft(session.agent, definitions, facts)] : open),
      { source: 'environment', key: 'execution_status', value: 'idle', kind: 'ConversationStateUpdateEvent' },
      userMessage(prompt),
    ];
  }
}

function listIn(config: JsonObject | null | undefined, key: string): unknown[] {
  const list = config?.[key];
  return Array.isArray(list) ? list : [];
}

/** What a run that is over has come to. */
async function outcome(session: TaskSession): Promise<{ text: string; failed: boolean }> {
  switch (session.status) {
    case 'finished':
      return { text: lastWord(session), failed: false };
    case 'waiting_for_confirmation': {
      const actions = session.view.pendingActions();
      const reason = 'It needs the agreement of a person, whom a sub-agent cannot ask.';
      await session.append(...actions.map((action) => rejectionDraft(action, reason)));
      const wanted = actions.map(({ summary, tool_name }) => summary ?? tool_name).join('; ');
      return {
        text: `The sub-agent has stopped before an action that needs the agreement of a person: ${wanted}`,
        failed: true,
      };
    }
    case 'stuck':
      return { text: 'The sub-agent has stopped: it was going in circles.', failed: true };
    default:
      return { text: session.failure ?? 'The sub-agent has stopped.', failed: true };
  }
}

/** The message of its `finish`, or the last that it said. */
function lastWord({ view }: TaskSession): string {
  const said = view.recent.findLast(
    (event) =>
      (event.kind === 'ObservationEvent' && event.observation.kind === 'FinishObservation') ||
      (event.kind === 'MessageEvent' && event.source === 'agent'),
  );
  if (said?.kind === 'ObservationEvent') return plainText(said.observation.content);
  return said?.kind === 'MessageEvent' ? plainText(said.llm_message.content) : '';
}
