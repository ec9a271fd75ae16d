import { randomUUID } from 'node:crypto';
import { errorName } from '../../errors/index.js';
import {
  textContent,
  type ActionEvent,
  type EventDraft,
  type Message,
  type MessageToolCall,
} from '../../events/index.js';
import { turnToWork } from '../../flow/index.js';
import {
  type Llm,
  type LlmResponse,
  type LlmTool,
  type LlmConfig,
  CallFormatError,
  LlmError,
} from '../../llm/index.js';
import {
  resolveToolCall,
  type ResolvedToolCall,
  type Tool,
  type ToolRegistry,
  type ToolResource,
  toLlmTool,
} from '../../tools/index.js';
import type { AgentSession } from '../agent-session.js';
import type { ViewEvent } from '../agent-view.js';
import { Critics, requestRefinement } from '../critics/critics.js';
import type { Condenser } from '../condenser/condenser.js';
import { MessageCache } from '../messages/message-cache.js';
import { environmentMessage, toolErrorDraft } from '../event-drafts.js';
import { AGENT_MISTAKE } from '../error-classification.js';
import {
  runPostToolUseHooks,
  runPreToolUseHooks,
  finishIfMessageBlocked,
  blockedActionDrafts,
} from '../hooks/run-hooks.js';
import { INSPECT_IMAGE, withImageReferences } from '../messages/image-references.js';
import { analyseActions } from '../security/analysis.js';
import { isHarmless, needsConfirmation } from '../security/confirmation.js';
import { traceInvalidCall, tracedTool } from './tool-span.js';
import { actionTask, runBatch, type Task } from './tool-execution.js';

const EMPTY_ANSWER_NUDGE =
  'Your last response did not include a function call or a message. Please use a tool to proceed with the task.';

/** Parsing longer arguments takes a significant part of a millisecond (characters). */
const LARGE_ARGUMENTS = 16_384;

/** Executes one step: from the agent's view of the log to the resulting events. */
export class AgentStep {
  private readonly critics: Critics;
  private readonly messageCache: MessageCache;
  private readonly pendingResults = new WeakMap<AgentSession, Promise<unknown>>();
  private readonly toolDescriptions = new WeakMap<ReadonlyMap<string, Tool>, LlmTool[]>();

  constructor(
    private readonly llm: Llm,
    registry: ToolRegistry,
    private readonly condenser: Condenser,
  ) {
    const render = registry.renderObservation.bind(registry);
    this.critics = new Critics(render);
    this.messageCache = new MessageCache(render);
  }

  /** Executes pending actions; without any, calls the model and handles its answer. */
  async run(session: AgentSession): Promise<void> {
    const waiting = session.view.pendingActions();
    if (waiting.length > 0) {
      await this.execute(session, waiting);
      return;
    }
    if (await finishIfMessageBlocked(session)) return;
    if (await this.condenser.run(session)) return;
    if (await this.rejectImages(session)) return;
    const itemId = randomUUID();
    // The model may be switched during the call: the answer is counted for the model that gave it.
    const { llm } = session.agent;
    const { length: eventCount } = session.view.events;
    const response = await this.callModel(session, llm, itemId);
    await this.resultsDurable(session);
    await turnToWork();
    this.condenser.recordUsage(session.view, eventCount, response.usage.prompt_tokens);
    const usage = session.countUsage(llm.usage_id, llm.model, response);
    if (response.message.tool_calls?.length) {
      await this.handleToolCalls(session, response, itemId, usage);
      return;
    }
    await this.handleMessage(session, response, itemId, usage);
  }

  private async callModel(session: AgentSession, llm: LlmConfig, itemId: string): Promise<LlmResponse> {
    const stream = session.stream(itemId);
    session.report('model');
    try {
      const response = await this.llm.complete({
        config: llm,
        messages: this.messageCache.messagesFor(this.viewFor(session, llm)),
        tools: this.describeTools(session),
        conversationId: session.conversationId,
        signal: session.signal,
        onDelta: (delta) => stream.delta(delta),
        onRetry: ({ error }) => stream.abort(errorCodeOf(error)),
      });
      stream.end();
      return response;
    } catch (error) {
      stream.abort(session.signal.aborted ? 'cancelled' : errorCodeOf(error));
      // Unreadable answers cost money, too.
      if (error instanceof CallFormatError)
        await session.append(session.countUsage(llm.usage_id, llm.model, error.response));
      throw error;
    }
  }

  /** The view in a form that the model supports. */
  private viewFor(session: AgentSession, llm: LlmConfig): readonly ViewEvent[] {
    const { events } = session.view;
    const isBlind = session.tools().has(INSPECT_IMAGE) && !this.llm.supportsVision(llm);
    return isBlind ? withImageReferences(events) : events;
  }

  /** The tools of a conversation do not change while it is open, so descriptions are cached. */
  private describeTools(session: AgentSession): LlmTool[] {
    const tools = session.tools();
    const known =
      this.toolDescriptions.get(tools) ?? [...tools.values()].map(({ definition }) => toLlmTool(definition));
    this.toolDescriptions.set(tools, known);
    return known;
  }

  /** Answers an image for a model without image support, without calling the model. */
  private async rejectImages(session: AgentSession): Promise<boolean> {
    const asked = session.view.lastUserMessage?.llm_message.content ?? [];
    if (!asked.some(({ type }) => type === 'image') || this.llm.supportsVision(session.agent.llm))
      return false;
    if (session.tools().has(INSPECT_IMAGE)) return false;
    const text =
      `The model ${session.agent.llm.model} does not take images. ` +
      'Please switch to a model that does, or describe the image in words.';
    await session.append(
      agentMessage({ role: 'assistant', content: [textContent(text)], thinking_blocks: [] }),
    );
    await session.finish();
    return true;
  }

  /** Handles an answer without tool calls: text ends the run; an empty answer makes the agent continue. */
  private async handleMessage(
    session: AgentSession,
    response: LlmResponse,
    itemId: string,
    usage: EventDraft,
  ): Promise<void> {
    const message = agentMessage(response.message, response.id, itemId);
    const hasText = response.message.content.some((block) => block.text.trim() !== '');
    if (hasText) {
      const evaluated = await this.critics.evaluate(session, [message], () => this.describeTools(session));
      await session.append(usage, ...evaluated);
      await session.finish();
      return;
    }
    await session.append(usage, message, environmentMessage(EMPTY_ANSWER_NUDGE));
  }

  /** Handles an answer with tool calls: all actions are durable before the first one is executed. */
  private async handleToolCalls(
    session: AgentSession,
    response: LlmResponse,
    itemId: string,
    usage: EventDraft,
  ): Promise<void> {
    const analyzer = session.securityAnalyzer !== null;
    const calls: ResolvedToolCall[] = [];
    for (const call of response.message.tool_calls ?? []) {
      const resolved = resolveToolCall(session.tools(), call, { analyzer });
      if (resolved.kind !== 'valid') await traceInvalidCall(call, resolved.error);
      calls.push(resolved);
      // A model may write hundreds of calls of megabytes: each is parsed in a tick of its own.
      if (call.arguments.length > LARGE_ARGUMENTS) await turnToWork();
    }
    const drafts = calls.flatMap((call, index) =>
      actionDrafts(call, response, index === 0 ? itemId : undefined, toolCallAt(response, index)),
    );
    const evaluated = await this.critics.evaluate(session, drafts, () => this.describeTools(session));
    const events = await session.append(usage, ...(await runPreToolUseHooks(session, evaluated)));
    const actions = events.filter(
      (event): event is ActionEvent => event.kind === 'ActionEvent' && !!event.action,
    );
    if (await this.needsApproval(session, actions)) {
      await session.setStatus('waiting_for_confirmation');
      return;
    }
    // Paused during the model call: the actions are kept and executed by the next run.
    if (session.pauseRequested || session.status === 'paused') return;
    await this.execute(session, actions);
  }

  /** Whether a person has to approve the actions. The analysis is appended before the decision. */
  private async needsApproval(session: AgentSession, all: readonly ActionEvent[]): Promise<boolean> {
    const { securityAnalyzer: analyzer, confirmationPolicy: policy } = session;
    // Actions blocked by a hook need no approval.
    const actions = all.filter(({ id }) => session.blockedActions[id] === undefined);
    if (!analyzer || isHarmless(actions)) return needsConfirmation(policy, actions, () => 'UNKNOWN');
    const { event, riskOf } = await analyseActions(analyzer, policy, actions);
    await session.append(event);
    return needsConfirmation(policy, actions, riskOf);
  }

  /** Executes actions; those after a `finish` are left for the next run. */
  private async execute(session: AgentSession, actions: readonly ActionEvent[]): Promise<void> {
    const finish = actions.findIndex((action) => action.tool_name === 'finish');
    const due = finish === -1 ? actions : actions.slice(0, finish + 1);
    const tools = session.tools();
    const tasks = due.map((action) => toolTask(session, action, tools));
    const appended: Promise<unknown>[] = [];
    await runBatch(tasks, session.agent.tool_concurrency_limit, async (draft, index) => {
      const task = tasks[index];
      if (!task) return;
      const { action, files } = task;
      const refused = blockedActionDrafts(session, action);
      if (refused) {
        await session.append(...refused);
        return;
      }
      const hookEvents = await runPostToolUseHooks(session, action, draft);
      session.afterChanges(action);
      if (hookEvents.length > 0) await session.append(...hookEvents);
      const writing = session.appendResult(draft, files);
      // The failure is seen by whoever awaits all results.
      writing.catch(() => undefined);
      appended.push(writing);
    });
    this.trackResults(session, Promise.all(appended));
    const last = actions[finish];
    if (!last) return;
    await this.resultsDurable(session);
    if (!(await requestRefinement(session, last))) await session.finish();
  }

  /**
   * Results are part of view and log at once. The next model call may start before they are durable, because
   * its events are appended after them.
   */
  private trackResults(session: AgentSession, results: Promise<unknown>): void {
    results.catch(() => undefined);
    this.pendingResults.set(session, results);
  }

  /** Resolves when the results of the previous step are durable. */
  private async resultsDurable(session: AgentSession): Promise<void> {
    await this.pendingResults.get(session);
    this.pendingResults.delete(session);
  }
}

/** A task that executes an action. The session keeps its result until it is appended. */
function toolTask(
  session: AgentSession,
  action: ActionEvent,
  tools: ReadonlyMap<string, Tool>,
): Task<EventDraft> & { action: ActionEvent; files: string[] } {
  const blocked = session.blockedActions[action.id];
  const task = actionTask(action, tools, session.signal, blocked, (id) => session.output(id));
  const files = task.resources.filter(({ kind }) => kind === 'file').map(({ key }) => key);
  if (blocked !== undefined) return { ...task, action, files };
  const changes = changesOf(tools.get(action.tool_name), task.resources);
  const run = async (): Promise<EventDraft> => {
    session.report('tool', action.tool_name);
    if (changes) await session.beforeChanges(action, changes);
    const draft = await tracedTool(session, action, () => task.run());
    session.keepResult(action, draft, files);
    return draft;
  };
  return { ...task, run, action, files };
}

/** What a call may change in the workspace: the files that it names, or any. Undefined: nothing. */
function changesOf(
  tool: Tool | undefined,
  resources: readonly ToolResource[],
): ToolResource[] | 'any' | undefined {
  if (!tool || tool.definition.annotations.readOnlyHint) return undefined;
  const isProgram = tool.definition.clientDescription?.mcp_tool !== undefined;
  if (isProgram || resources.some(({ kind }) => kind === 'terminal')) return 'any';
  const files = resources.filter(({ kind, isOnlyRead }) => kind === 'file' && !isOnlyRead);
  return files.length > 0 ? files : undefined;
}

/** The error code that clients know. */
function errorCodeOf(error: unknown): string {
  return error instanceof LlmError ? error.code : errorName(error);
}

function toolCallAt(response: LlmResponse, index: number): MessageToolCall {
  const call = response.message.tool_calls?.[index];
  if (!call) throw new RangeError(`the answer has no tool call at index ${index}`);
  return call;
}

/** The events of one call: its action and, if the call is invalid, the error. */
function actionDrafts(
  call: ResolvedToolCall,
  response: LlmResponse,
  firstId: string | undefined,
  original: MessageToolCall,
): EventDraft[] {
  const { message } = response;
  // Thought and reasoning belong to the whole answer: only its first action carries them.
  const lead = firstId !== undefined;
  const base = {
    id: firstId,
    source: 'agent' as const,
    thought: lead ? message.content.filter((block) => block.text !== '') : [],
    reasoning_content: lead ? message.reasoning_content : undefined,
    thinking_blocks: lead ? message.thinking_blocks : [],
    responses_reasoning_item: lead ? message.responses_reasoning_item : undefined,
  };
  const tail = {
    tool_name: call.name,
    tool_call_id: original.id,
    tool_call: { ...original, name: call.name, arguments: call.argumentsText },
    llm_response_id: response.id,
  };
  if (call.kind === 'valid') {
    const { invocation, securityRisk, summary } = call;
    return [
      {
        ...base,
        action: invocation.action,
        ...tail,
        security_risk: securityRisk,
        summary,
        kind: 'ActionEvent',
      },
    ];
  }
  return [
    { ...base, ...tail, security_risk: 'UNKNOWN', kind: 'ActionEvent' },
    toolErrorDraft({ tool_name: call.name, tool_call_id: original.id }, call.error, AGENT_MISTAKE),
  ];
}

function agentMessage(message: Message, responseId?: string, id?: string): EventDraft {
  return {
    id,
    source: 'agent',
    llm_message: message,
    llm_response_id: responseId,
    activated_skills: [],
    extended_content: [],
    kind: 'MessageEvent',
  };
}
