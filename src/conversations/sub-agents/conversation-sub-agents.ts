import path from 'node:path';
import {
  toolErrorDraft,
  rejectionDraft,
  userMessage,
  AGENT_MISTAKE,
  type AgentSpec,
  Hooks,
  type PromptFiles,
  systemPromptDraft,
  firstByName,
  skillsOf,
  type Skill,
  type Warn,
  agentTypes,
  readProjectDefinitions,
  readUserDefinitions,
  subAgentSpec,
  type AgentType,
} from '../../agent/index.js';
import { errorMessage } from '../../errors/index.js';
import { plainText, type EventDraft } from '../../events/index.js';
import type { LlmConfig } from '../../llm/index.js';
import { traced } from '../../telemetry/index.js';
import { HostRefusal, type SubAgents, type TaskResult } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';
import { isOwnKeys } from '../owners/own-key-rules.js';
import { loadPromptFiles } from '../context/prompt-files.js';
import { HookContext } from '../agent-runtime/hook-context.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { CheckpointRecorder } from '../../checkpoints/index.js';
import type { EventSink } from '../journal/event-sink.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { UsageMeter } from '../state/usage-meter.js';
import type { SecretVault } from '../secrets/secret-vault.js';
import type { Toolset } from '../agent-runtime/toolset.js';
import { parseDefinitions } from './definitions.js';
import { TaskLogs } from './task-log.js';
import { TaskSession, type TaskSessionOptions } from './task-session.js';
import { subAgentSpan } from '../tracing/conversation-spans.js';
import { createTaskTools } from './task-tools.js';

/** The tool set that contains the `task` tool. */
const TASK_TOOLS = 'task_tool_set';
const TASKS_FOLDER = 'tasks';
const INTERRUPTED = 'Tool call interrupted before completion. The task was ended.';

/** The arguments of a call of the `task` tool. */
interface Task {
  prompt: string;
  type: string;
  resume?: string;
}

/**
 * The sub-agents of one conversation. Each task is a run inside the tool call that started it. It has a view,
 * a log and tools of its own, and shares the secrets, policy, tool hooks and statistics of the conversation.
 */
export class ConversationSubAgents implements SubAgents {
  private openedLogs: TaskLogs | undefined;
  /** The definitions in files, as last read. */
  private typesFromFiles: AgentType[] = [];

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
    private readonly recorder?: CheckpointRecorder,
  ) {}

  private get logs(): TaskLogs {
    return (this.openedLogs ??= new TaskLogs(path.join(this.toolset.host().folder, TASKS_FOLDER)));
  }

  get types(): AgentType[] {
    return [...this.knownTypes().values()];
  }

  async run(task: Task, signal: AbortSignal): Promise<TaskResult> {
    const earlierTask = task.resume === undefined ? undefined : await this.findTask(task.resume);
    // Files may have changed since the last task.
    await this.prepare();
    const type = this.typeOf(earlierTask?.subagent ?? task.type);
    this.assertAllowed(type);
    const model = type.profile === undefined ? undefined : await this.loadModel(type.profile);
    const skills = await this.resolveSkills(type);
    const taskId = task.resume ?? (await this.logs.create(type.name));
    const agent = subAgentSpec(this.sink.state.agent, type, { taskId, model, skills });
    const { toolRegistry } = this.services;
    const sources = {
      toolset: this.toolset,
      registry: toolRegistry,
      folder: path.join(TASKS_FOLDER, taskId),
    };
    const tools = await createTaskTools(agent, type, sources, signal);
    const hooks = this.createTaskHooks(type);
    try {
      const write: TaskSessionOptions['write'] = (events) => this.logs.append(taskId, events);
      const options = { agent, type, tools: tools.all, hooks, signal, write, recorder: this.recorder };
      const session = new TaskSession(this.sink, this.masker, this.usage, options, earlierTask?.events ?? []);
      await session.append(...(await this.openingEvents(session, task.prompt)));
      await traced(
        `invoke_agent ${type.name}`,
        () => subAgentSpan(agent, type.name, taskId),
        (span) => this.services.loop.run(session).finally(() => session.recordEnd(span)),
      );
      signal.throwIfAborted();
      return { taskId, subagent: type.name, ...(await taskOutcome(session)) };
    } finally {
      await Promise.allSettled([hooks.close(), tools.close()]);
    }
  }

  /**
   * Reads the definitions of sub-agents in files, which are not for keys that reach their own conversations
   * only: the server would read them, outside of the sandbox. Never rejects.
   */
  async prepare(): Promise<void> {
    if (isOwnKeys(this.sink.state)) return;
    if (!this.sink.state.agent.tools.some(({ name }) => name === TASK_TOOLS)) return;
    const [project, user] = await Promise.all([
      readProjectDefinitions(this.toolset.workingDir, this.warn),
      readUserDefinitions(this.services.context.user, this.warn),
    ]);
    this.typesFromFiles = parseDefinitions([...project, ...user], this.warn);
  }

  /**
   * Definitions of the request and of plugins take precedence over files of the project, then of the user.
   */
  private knownTypes(): ReadonlyMap<string, AgentType> {
    const { agent_definitions: definitions } = this.sink.state.rest;
    const own = parseDefinitions(Array.isArray(definitions) ? definitions : [], this.warn);
    return agentTypes([...own, ...this.typesFromFiles], (name) => this.services.toolRegistry.has(name));
  }

  private get warn(): Warn {
    return this.services.context.warn(`conversation ${this.sink.state.id}`);
  }

  private typeOf(name: string): AgentType {
    const types = this.knownTypes();
    const type = types.get(name);
    if (type) return type;
    throw new HostRefusal(`Unknown agent '${name}'. Available types: ${[...types.keys()].join(', ')}.`);
  }

  private async findTask(id: string): ReturnType<TaskLogs['read']> {
    const task = await this.logs.read(id);
    if (task) return task;
    const ids = (await this.logs.ids()).join(', ') || 'none';
    throw new HostRefusal(`Task '${id}' not found. Available tasks: ${ids}`);
  }

  private async loadModel(profile: string): Promise<LlmConfig> {
    try {
      return await this.services.models.load(profile, this.sink.state);
    } catch (error) {
      throw new HostRefusal(`LLM profile '${profile}' cannot be used: ${errorMessage(error)}`);
    }
  }

  private async promptFiles(agent: AgentSpec): Promise<PromptFiles> {
    try {
      return await loadPromptFiles(agent, this.services, this.sink.state);
    } catch (error) {
      throw new HostRefusal(errorMessage(error));
    }
  }

  /**
   * Rejects definitions of the project that start programs if the conversation asks for confirmation.
   * @throws HostRefusal in that case, and for unknown tools
   */
  private assertAllowed({ name, tools, isFromProject, hooks, mcpServers }: AgentType): void {
    const { kind } = this.sink.state.confirmation_policy;
    if (isFromProject && (hooks ?? mcpServers) && kind !== 'NeverConfirm') {
      throw new HostRefusal(
        `The definition of agent '${name}' in the project contains hooks or MCP servers. They would run without ` +
          'confirmation, which this conversation requires.',
      );
    }
    try {
      this.services.toolRegistry.assertKnown(
        tools.map((tool) => ({ name: tool })),
        ['FinishTool', 'ThinkTool'],
      );
    } catch (error) {
      throw new HostRefusal(errorMessage(error));
    }
  }

  /**
   * Resolves skill names: skills of the calling agent, then of the project, then of the user. The latter two
   * are not for keys that reach their own conversations only.
   */
  private async resolveSkills({ name, skills: wanted }: AgentType): Promise<Skill[]> {
    const own = skillsOf(this.sink.state.agent);
    if (wanted.every((skill) => own.some((known) => known.name === skill)))
      return own.filter((known) => wanted.includes(known.name));
    const { context } = this.services;
    const [project, user] = isOwnKeys(this.sink.state)
      ? [[], []]
      : await Promise.all([
          context.projectSkills(this.toolset.workingDir, this.warn),
          context.userSkills(this.warn),
        ]);
    const all = firstByName(own, project, user);
    const missing = wanted.find((skill) => !all.some((known) => known.name === skill));
    if (missing === undefined) return all.filter((known) => wanted.includes(known.name));
    throw new HostRefusal(`Agent '${name}' needs the skill '${missing}', which does not exist.`);
  }

  /** Tool hooks of the conversation also run for sub-agents. Its other hooks do not. */
  private createTaskHooks({ hooks }: AgentType): Hooks {
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
   * The events before the run: the system prompt of a new task or errors for actions that an earlier run left
   * without result, and the message.
   */
  private async openingEvents(session: TaskSession, prompt: string): Promise<EventDraft[]> {
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

/** The result of a task whose run has ended. */
async function taskOutcome(session: TaskSession): Promise<{ text: string; failed: boolean }> {
  switch (session.status) {
    case 'finished':
      return { text: finalText(session), failed: false };
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

/** The message of `finish`, or the last message of the agent. */
function finalText({ view }: TaskSession): string {
  const last = view.recent.findLast(
    (event) =>
      (event.kind === 'ObservationEvent' && event.observation.kind === 'FinishObservation') ||
      (event.kind === 'MessageEvent' && event.source === 'agent'),
  );
  if (last?.kind === 'ObservationEvent') return plainText(last.observation.content);
  return last?.kind === 'MessageEvent' ? plainText(last.llm_message.content) : '';
}
