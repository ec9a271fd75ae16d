import { randomUUID } from 'node:crypto';
import { errorName } from '../errors/index.js';
import {
  textContent,
  type ActionEvent,
  type EventDraft,
  type Message,
  type MessageToolCall,
} from '../events/index.js';
import { turnToWork } from '../flow/index.js';
import type { Llm, LlmResponse, LlmTool } from '../llm/llm.js';
import type { LlmConfig } from '../llm/request/llm-config.js';
import { CallFormatError, LlmError } from '../llm/errors/llm-error.js';
import { resolveToolCall, type ResolvedToolCall } from '../tools/arguments/resolve-tool-call.js';
import type { Tool } from '../tools/tool.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import { toLlmTool } from '../tools/llm-tool.js';
import type { AgentSession } from './agent-session.js';
import type { ViewEvent } from './agent-view.js';
import { Critics, refine } from './critics/critics.js';
import type { Condensing } from './condenser/condensing.js';
import { Dialogues } from './dialogue.js';
import { environmentMessage, toolErrorDraft } from './drafts.js';
import { AGENT_MISTAKE } from './error-classification.js';
import { afterTool, beforeTools, declinesMessage, refusal } from './hooks/run-hooks.js';
import { INSPECT_IMAGE, withImageReferences } from './image-references.js';
import { analyse } from './security/analysis.js';
import { isHarmless, needsConfirmation } from './security/confirmation.js';
import { actionTask, runBatch, type Task } from './tool-execution.js';

const EMPTY_ANSWER_NUDGE =
  'Your last response did not include a function call or a message. Please use a tool to proceed with the task.';

/** Reading longer arguments takes a notable part of a millisecond (characters). */
const LARGE_ARGUMENTS = 16_384;

/** One step of the agent: from its view of the log to the events that follow. */
export class AgentStep {
  private readonly critics: Critics;
  private readonly dialogues: Dialogues;
  private readonly writing = new WeakMap<AgentSession, Promise<unknown>>();
  private readonly described = new WeakMap<ReadonlyMap<string, Tool>, LlmTool[]>();

  constructor(
    private readonly llm: Llm,
    registry: ToolRegistry,
    private readonly condensing: Condensing,
  ) {
    const render = registry.renderObservation.bind(registry);
    this.critics = new Critics(render);
    this.dialogues = new Dialogues(render);
  }

  /** Executes what waits for execution; if nothing does, asks the model and does what it says. */
  async run(session: AgentSession): Promise<void> {
    const waiting = session.view.unmatched();
    if (waiting.length > 0) {
      await this.execute(session, waiting);
      return;
    }
    if (await declinesMessage(session)) return;
    if (await this.condensing.run(session)) return;
    if (await this.declineImages(session)) return;
    const itemId = randomUUID();
    // The model may be switched while it thinks: what it answers is counted as its own.
    const { llm } = session.agent;
    const { length } = session.view.events;
    const response = await this.ask(session, llm, itemId);
    await this.written(session);
    await turnToWork();
    this.condensing.asked(session.view, length, response.usage.prompt_tokens);
    const usage = session.countUsage(llm.usage_id, llm.model, response);
    if (response.message.tool_calls?.length) {
      await this.act(session, response, itemId, usage);
      return;
    }
    await this.speak(session, response, itemId, usage);
  }

  private async ask(session: AgentSession, llm: LlmConfig, itemId: string): Promise<LlmResponse> {
    const stream = session.stream(itemId);
    try {
      const response = await this.llm.complete({
        config: llm,
        messages: this.dialogues.of(this.shown(session, llm)),
        tools: this.describeTools(session),
        conversationId: session.conversationId,
        signal: session.signal,
        onDelta: (delta) => stream.delta(delta),
        onRetry: ({ error }) => stream.abort(failureName(error)),
      });
      stream.end();
      return response;
    } catch (error) {
      stream.abort(session.signal.aborted ? 'cancelled' : failureName(error));
      // What cannot be read was paid for, too.
      if (error instanceof CallFormatError)
        await session.append(session.countUsage(llm.usage_id, llm.model, error.response));
      throw error;
    }
  }

  /** The view as the model can take it. */
  private shown(session: AgentSession, llm: LlmConfig): readonly ViewEvent[] {
    const { events } = session.view;
    const isBlind = session.tools().has(INSPECT_IMAGE) && !this.llm.supportsVision(llm);
    return isBlind ? withImageReferences(events) : events;
  }

  /** The tools of a conversation do not change while it is open. */
  private describeTools(session: AgentSession): LlmTool[] {
    const tools = session.tools();
    const known =
      this.described.get(tools) ?? [...tools.values()].map(({ definition }) => toLlmTool(definition));
    this.described.set(tools, known);
    return known;
  }

  /** An image for a model that takes none: says so without asking the model. */
  private async declineImages(session: AgentSession): Promise<boolean> {
    const asked = session.view.lastFromUser?.llm_message.content ?? [];
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

  /** An answer without tool calls: text ends the run, anything else is told to go on. */
  private async speak(
    session: AgentSession,
    response: LlmResponse,
    itemId: string,
    usage: EventDraft,
  ): Promise<void> {
    const message = agentMessage(response.message, response.id, itemId);
    const hasText = response.message.content.some((block) => block.text.trim() !== '');
    if (hasText) {
      const judged = await this.critics.judge(session, [message], () => this.describeTools(session));
      await session.append(usage, ...judged);
      await session.finish();
      return;
    }
    await session.append(usage, message, environmentMessage(EMPTY_ANSWER_NUDGE));
  }

  /** An answer with tool calls: all actions go into the log before any of them is executed. */
  private async act(
    session: AgentSession,
    response: LlmResponse,
    itemId: string,
    usage: EventDraft,
  ): Promise<void> {
    const analyzer = session.securityAnalyzer !== null;
    const calls: ResolvedToolCall[] = [];
    for (const call of response.message.tool_calls ?? []) {
      calls.push(resolveToolCall(session.tools(), call, { analyzer }));
      // A model may write hundreds of calls of megabytes: each is read in a turn of its own.
      if (call.arguments.length > LARGE_ARGUMENTS) await turnToWork();
    }
    const drafts = calls.flatMap((call, index) =>
      actionDrafts(call, response, index === 0 ? itemId : undefined, callOf(response, index)),
    );
    const judged = await this.critics.judge(session, drafts, () => this.describeTools(session));
    const events = await session.append(usage, ...(await beforeTools(session, judged)));
    const actions = events.filter(
      (event): event is ActionEvent => event.kind === 'ActionEvent' && !!event.action,
    );
    if (await this.mustAsk(session, actions)) {
      await session.setStatus('waiting_for_confirmation');
      return;
    }
    // A pause that came while the model was thinking: what it wants is kept, and done when the run goes on.
    if (session.pauseRequested || session.status === 'paused') return;
    await this.execute(session, actions);
  }

  /** Whether a person has to agree first. What the analyzer thinks stands in the log before the decision. */
  private async mustAsk(session: AgentSession, all: readonly ActionEvent[]): Promise<boolean> {
    const { securityAnalyzer: analyzer, confirmationPolicy: policy } = session;
    // Nobody is asked about what a hook does not let happen.
    const actions = all.filter(({ id }) => session.blockedActions[id] === undefined);
    if (!analyzer || isHarmless(actions)) return needsConfirmation(policy, actions, () => 'UNKNOWN');
    const { event, riskOf } = await analyse(analyzer, policy, actions);
    await session.append(event);
    return needsConfirmation(policy, actions, riskOf);
  }

  /** Runs actions; those behind a `finish` stay for the next run. */
  private async execute(session: AgentSession, actions: readonly ActionEvent[]): Promise<void> {
    const finish = actions.findIndex((action) => action.tool_name === 'finish');
    const due = finish === -1 ? actions : actions.slice(0, finish + 1);
    const tools = session.tools();
    const tasks = due.map((action) => taskOf(session, action, tools));
    const written: Promise<unknown>[] = [];
    await runBatch(tasks, session.agent.tool_concurrency_limit, async (draft, index) => {
      const task = tasks[index];
      if (!task) return;
      const { action, files } = task;
      const refused = refusal(session, action);
      if (refused) {
        await session.append(...refused);
        return;
      }
      const said = await afterTool(session, action, draft);
      if (said.length > 0) await session.append(...said);
      const writing = session.appendResult(draft, files);
      // Who waits for all of them sees the failure.
      writing.catch(() => undefined);
      written.push(writing);
    });
    this.keepWriting(session, Promise.all(written));
    const last = actions[finish];
    if (!last) return;
    await this.written(session);
    if (!(await refine(session, last))) await session.finish();
  }

  /**
   * Results have their place in view and log at once. Until they are durable the model may think already:
   * whatever it wants stands behind them.
   */
  private keepWriting(session: AgentSession, results: Promise<unknown>): void {
    results.catch(() => undefined);
    this.writing.set(session, results);
  }

  /** Resolves when the results of the step before are durable. */
  private async written(session: AgentSession): Promise<void> {
    await this.writing.get(session);
    this.writing.delete(session);
  }
}

/** An action to execute; the session keeps its result until that is in the log. */
function taskOf(
  session: AgentSession,
  action: ActionEvent,
  tools: ReadonlyMap<string, Tool>,
): Task<EventDraft> & { action: ActionEvent; files: string[] } {
  const blocked = session.blockedActions[action.id];
  const task = actionTask(action, tools, session.signal, blocked);
  const files = task.resources.filter(({ kind }) => kind === 'file').map(({ key }) => key);
  if (blocked !== undefined) return { ...task, action, files };
  const run = async (): Promise<EventDraft> => {
    const draft = await task.run();
    session.keepResult(action, draft, files);
    return draft;
  };
  return { ...task, run, action, files };
}

/** The class of a failure, as clients know it. */
function failureName(error: unknown): string {
  return error instanceof LlmError ? error.code : errorName(error);
}

function callOf(response: LlmResponse, index: number): MessageToolCall {
  const call = response.message.tool_calls?.[index];
  if (!call) throw new RangeError(`the answer has no tool call ${index}`);
  return call;
}

/** The events of one call: its action, and for an invalid one the error behind it. */
function actionDrafts(
  call: ResolvedToolCall,
  response: LlmResponse,
  firstId: string | undefined,
  original: MessageToolCall,
): EventDraft[] {
  const { message } = response;
  // Thought and reasoning belong to the answer, not to each call: only the first action carries them.
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
