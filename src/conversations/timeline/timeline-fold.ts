import type {
  ACPToolCallEvent,
  ActionEvent,
  AgentErrorEvent,
  Condensation,
  ConversationErrorEvent,
  ConversationStateUpdateEvent,
  DurableEvent,
  HookExecutionEvent,
  MessageEvent,
} from '../../events/index.js';
import { EventTime } from './event-time.js';
import { acpFileUses, fileUses } from './file-uses.js';
import type { FoldState, OpenCall, OpenUsage, Wait } from './fold-state.js';
import { createSpan, type FileUse, type Span, type SpanUsage } from './span.js';
import { usageChanges } from './usage-changes.js';

/** What the statistics of a conversation know about its last answers; the log does not have it. */
export interface AnswerFacts {
  /** How long the model took (ms), without attempts that failed before. */
  latencyOf(responseId: string): number | undefined;
  usageOf(responseId: string): SpanUsage | undefined;
}

/** What a fold needs besides the log. */
export interface FoldOptions {
  /** How many calls of an answer run at a time. */
  toolConcurrency: number;
  /** Events up to this time (ms) were copied from another conversation. */
  copiedUntil: number;
  facts: AnswerFacts;
}

/** Takes what a fold finds, in the order of the events that end it. */
export interface FoldSink {
  span(span: Span): void;
  /** Time in which at least one tool was in progress. */
  toolTime(ms: number, copied: boolean): void;
  file(use: FileUse, eventId: string, at: number): void;
}

/** How the error of a tool begins that a crash interrupted, here and in the original. */
const RESTART_ERROR = 'A restart occurred while this tool was in progress.';
const RESTARTED = 'ServerRestarted';
/** Shorter waits (ms) for an answer that never came are the time between two steps. */
const MIN_LOST_WAIT_MS = 20;
/** Calls, hooks and usages that are followed at a time. A hostile log may leave them all open. */
const MAX_OPEN = 500;

/**
 * Derives spans from the events of a log, one event after the other. The log records moments, not durations:
 * a span begins at the event that made it possible and ends at the event with its result. Boundaries that no
 * event records are marked as derived. Durations are never negative, whatever the clock did.
 */
export class TimelineFold {
  private readonly time = new EventTime();

  constructor(
    readonly state: FoldState,
    private readonly options: FoldOptions,
    private readonly sink: FoldSink,
  ) {}

  /** Takes the next event. */
  push(seq: number, event: DurableEvent): void {
    const { state } = this;
    const at = this.time.of(event.timestamp);
    if (at > state.now) state.now = at;
    this.fold(seq, event);
    if (!isRecovery(event)) state.lastWork = state.now;
  }

  /** What was going on at the last event, and an answer whose usage is not known yet. */
  inProgress(): Span[] {
    const { state } = this;
    const { wait, held } = state;
    const seq = Number.MAX_SAFE_INTEGER;
    const open = held ? [held] : [];
    if (wait) return [...open, this.waitSpan(wait, undefined, 'now', seq)];
    if (!state.running) return open;
    if (state.calls.length > 0)
      return [...open, ...this.runningCalls().map((call) => this.callSpan(call, undefined, seq, false))];
    const fields = { start: state.idleSince, end: undefined, derived: ['started_at' as const] };
    return [
      ...open,
      createSpan({ id: 'model-now', kind: 'model', name: state.model, step: state.step, seq, ...fields }),
    ];
  }

  /** Later calls of an answer wait until earlier ones have ended. */
  private runningCalls(): OpenCall[] {
    return this.state.calls.slice(0, Math.max(1, this.options.toolConcurrency));
  }

  private fold(seq: number, event: DurableEvent): void {
    const { state } = this;
    switch (event.kind) {
      case 'ConversationStateUpdateEvent':
        return this.foldUpdate(seq, event);
      case 'MessageEvent':
        return this.foldMessage(seq, event);
      case 'ActionEvent':
        return this.foldAction(seq, event);
      case 'ObservationEvent':
        return this.endCall(seq, event.id, callOf(state, event), event.observation.is_error);
      case 'AgentErrorEvent':
        return this.endCall(seq, event.id, callOf(state, event), true, isRestartError(event));
      case 'UserRejectObservation':
        if (state.wait?.kind === 'confirmation') state.wait.refused = true;
        return this.dropCall(callOf(state, event));
      case 'HookExecutionEvent':
        return this.foldHook(seq, event);
      case 'ACPToolCallEvent':
        return this.foldAcpCall(seq, event);
      case 'Condensation':
        return this.foldCondensation(seq, event);
      case 'ConversationErrorEvent':
        return this.foldError(seq, event);
      default:
        return;
    }
  }

  private foldUpdate(seq: number, { id, key, value }: ConversationStateUpdateEvent): void {
    if (key === 'stats') this.foldStats(seq, id, value);
    if (key === 'execution_status') this.foldStatus(seq, id, value);
  }

  /**
   * Usage belongs to the answer before it that has none, or else to the next answer. While a tool runs or a
   * person is waited for, it belongs to neither.
   */
  private foldStats(seq: number, id: string, value: unknown): void {
    const { state } = this;
    for (const [index, usage] of usageChanges(state.totals, value).entries()) {
      const open = { usage, id: index === 0 ? id : `${id}.${index}`, at: state.now, seq };
      if (state.held) this.release(usage);
      else if (state.calls.length > 0 || !state.running) this.emitOther(open);
      else state.usages.push(open);
    }
    while (state.usages.length > MAX_OPEN) this.emitOther(state.usages.shift());
  }

  private foldStatus(seq: number, id: string, status: unknown): void {
    const { state } = this;
    switch (status) {
      case 'running':
        this.endWait(seq, id);
        state.running = true;
        state.doneAt = null;
        state.idleSince = state.now;
        for (const call of state.calls) call.start = state.now;
        if (state.calls.length > 0) state.toolsSince = state.now;
        return;
      case 'idle':
        return this.foldIdle(seq, id);
      case 'paused':
        this.loseAnswer(seq, id);
        return this.waitFor('paused', 'paused', seq, id);
      case 'waiting_for_confirmation':
        return this.waitFor('confirmation', pendingNames(state.calls), seq, state.calls[0]?.actionId ?? id);
      case 'error':
        state.failedFrom = state.running && state.calls.length === 0 ? state.idleSince : null;
        return this.waitFor('person', 'after an error', seq, id);
      case 'stuck':
        return this.waitFor('person', 'stuck', seq, id);
      case 'finished':
        return this.waitFor('person', 'next message', seq, id);
      default:
        return;
    }
  }

  /** From a confirmation it is the answer of a person who rejects; a run sets other statuses. */
  private foldIdle(seq: number, id: string): void {
    const { state } = this;
    state.running = false;
    if (state.wait?.kind !== 'confirmation') return;
    state.wait.refused = true;
    this.waitFor('person', 'next message', seq, id);
  }

  private foldMessage(seq: number, event: MessageEvent): void {
    const { state } = this;
    if (event.source === 'agent') {
      this.answer(seq, event.id, event.llm_response_id ?? null);
      state.doneAt = state.now;
      return;
    }
    if (event.source === 'user' && !state.running) {
      if (state.wait?.kind === 'person') this.endWait(seq, event.id);
      else if (!state.wait && state.doneAt !== null) this.emitWaitSince(state.doneAt, seq, event.id);
      state.doneAt = null;
      state.idleSince = state.now;
    }
    // A message of the server, such as a hint to go on.
    if (event.source === 'environment' && state.calls.length === 0) state.idleSince = state.now;
  }

  private foldAction(seq: number, event: ActionEvent): void {
    const { state } = this;
    if (event.llm_response_id !== state.responseId) this.answer(seq, event.id, event.llm_response_id);
    this.flushHooks(state.idleSince);
    if (event.tool_name === 'finish') state.doneAt = state.now;
    this.openCall({
      actionId: event.id,
      callId: event.tool_call_id,
      name: event.tool_name,
      start: state.now,
      index: state.callCount,
      files: fileUses(event.action),
    });
    state.callCount += 1;
  }

  private openCall(call: OpenCall): void {
    const { state } = this;
    if (state.calls.length >= MAX_OPEN) state.calls.shift();
    if (state.calls.length === 0) state.toolsSince = state.now;
    state.calls.push(call);
  }

  /** An answer of the agent's model has arrived. */
  private answer(seq: number, eventId: string, responseId: string | null): void {
    const { state, options } = this;
    this.release(null);
    if (state.wait) this.endWait(seq, eventId);
    const usage = this.takeUsage(responseId);
    const start = Math.min(state.idleSince || state.now, state.now);
    const end = this.answerEnd(start, responseId);
    const latency = responseId === null ? undefined : options.facts.latencyOf(responseId);
    state.step += 1;
    state.responseId = responseId;
    state.callCount = 0;
    state.doneAt = null;
    if (usage) state.model = usage.model;
    this.hold(
      createSpan({
        id: `model-${eventId}`,
        kind: 'model',
        name: state.model,
        step: state.step,
        start,
        end,
        derived: boundaries(latency === undefined, state.hooks.length > 0),
        eventId,
        responseId,
        usage,
        seq,
      }),
    );
    this.flushHooks(end);
    state.idleSince = state.now;
  }

  /** Hooks that ran between the answer and its event are not time of the model. */
  private answerEnd(start: number, responseId: string | null): number {
    const { state, options } = this;
    const latency = responseId === null ? undefined : options.facts.latencyOf(responseId);
    if (state.hooks.length === 0 || latency === undefined) return state.now;
    return Math.min(state.now, start + latency);
  }

  /** Emits a span at once if its usage is known, else keeps it until a `stats` event follows. */
  private hold(span: Span): void {
    if (span.usage) this.emit(span);
    else this.state.held = span;
  }

  private release(usage: SpanUsage | null): void {
    const { state } = this;
    const { held } = state;
    if (!held) return;
    state.held = null;
    const facts = held.responseId === null ? undefined : this.options.facts.usageOf(held.responseId);
    const known = usage ?? (facts && { ...facts });
    this.emit({ ...held, usage: known ?? null, name: known?.model ?? held.name });
  }

  /** The usage of an answer: the one with its counts, else the last. The others belong to other calls. */
  private takeUsage(responseId: string | null): SpanUsage | null {
    const { state } = this;
    const facts = responseId === null ? undefined : this.options.facts.usageOf(responseId);
    const exact = facts && state.usages.findLast(({ usage }) => isSame(usage, facts));
    const mine = exact ?? state.usages.at(-1);
    for (const open of state.usages) if (open !== mine) this.emitOther(open);
    state.usages = [];
    return mine?.usage ?? null;
  }

  /** A call of a model besides the agent's: of a sub-agent, a title, a hook. Only its end is known. */
  private emitOther(open: OpenUsage | undefined): void {
    if (!open) return;
    const { state } = this;
    const { usage, id, at, seq } = open;
    this.emit(
      createSpan({
        id,
        kind: 'model',
        name: usage.model,
        step: state.step,
        start: at,
        end: at,
        derived: ['started_at'],
        eventId: id.split('.')[0] ?? null,
        parentId: state.calls.at(-1)?.actionId ?? null,
        usage,
        seq,
      }),
    );
  }

  private endCall(
    seq: number,
    eventId: string,
    call: OpenCall | undefined,
    failed: boolean,
    byRestart = false,
  ): void {
    if (!call) return;
    const { state } = this;
    // How long a call ran that a crash interrupted is not known.
    const end = byRestart ? state.lastWork : state.now;
    const span = this.callSpan(call, Math.max(end, this.callStart(call)), seq, failed);
    if (byRestart) span.derived = [...span.derived, 'ended_at'];
    this.emit({ ...span, resultEventId: eventId });
    if (!failed) for (const use of call.files) this.sink.file(use, call.actionId, state.now);
    state.lastCallEnd = span.end ?? state.now;
    this.removeCall(call, end);
  }

  private dropCall(call: OpenCall | undefined): void {
    const { toolsSince, lastCallEnd } = this.state;
    if (call) this.removeCall(call, Math.max(toolsSince, lastCallEnd));
  }

  private removeCall(call: OpenCall, end: number): void {
    const { state } = this;
    state.calls = state.calls.filter((open) => open !== call);
    if (state.calls.length > 0) return;
    this.sink.toolTime(Math.max(0, end - state.toolsSince), this.isCopied(end));
    state.idleSince = state.now;
  }

  private callSpan(call: OpenCall, end: number | undefined, seq: number, failed: boolean): Span {
    const { actionId, name, index } = call;
    return createSpan({
      id: actionId,
      kind: 'tool',
      name,
      step: this.state.step,
      start: this.callStart(call),
      end,
      derived: index > 0 ? ['started_at'] : [],
      eventId: actionId,
      seq,
      failed,
    });
  }

  private callStart({ start, index }: OpenCall): number {
    return index < this.options.toolConcurrency ? start : Math.max(start, this.state.lastCallEnd);
  }

  private foldHook(seq: number, event: HookExecutionEvent): void {
    const { state } = this;
    const run = {
      id: event.id,
      name: event.hook_event_type,
      at: state.now,
      seq,
      failed: event.blocked || !event.success,
    };
    // Before its action: how long it ran shows when the answer is known.
    if (event.hook_event_type === 'PreToolUse' && state.hooks.length < MAX_OPEN) {
      state.hooks.push(run);
      return;
    }
    // Runs after the end of the agent, which is recorded before.
    const since = event.hook_event_type === 'Stop' ? state.wait?.start : undefined;
    this.emitHook(run, since ?? state.now);
    if (state.wait && since !== undefined) state.wait.start = state.now;
  }

  private flushHooks(since: number): void {
    const { state } = this;
    let start = since;
    for (const run of state.hooks) {
      this.emitHook(run, Math.min(start, run.at));
      start = run.at;
    }
    state.hooks = [];
  }

  private emitHook({ id, name, at, seq, failed }: FoldState['hooks'][number], start: number): void {
    const { state } = this;
    const derived = ['started_at' as const];
    const parentId = name === 'PostToolUse' ? (state.calls[0]?.actionId ?? null) : null;
    const fields = { start, end: at, derived, eventId: id, parentId, seq, failed };
    this.emit(createSpan({ id, kind: 'hook', name, step: state.step, ...fields }));
  }

  private foldAcpCall(seq: number, event: ACPToolCallEvent): void {
    const { state } = this;
    const known = state.calls.find(({ callId }) => callId === event.tool_call_id);
    const hasEnded = event.status === 'completed' || event.status === 'failed';
    if (!known) {
      if (state.calls.length === 0) this.emitAgentTime(seq, event.id);
      this.openCall({
        actionId: event.id,
        callId: event.tool_call_id,
        name: event.tool_kind ?? 'tool',
        start: state.now,
        index: 0,
        files: [],
      });
    }
    const call = known ?? state.calls.at(-1);
    if (!hasEnded || !call) return;
    call.files = acpFileUses(event);
    this.endCall(seq, event.id, call, event.is_error || event.status === 'failed');
  }

  /** An ACP agent calls its model itself: what is not time of a tool is its own. */
  private emitAgentTime(seq: number, eventId: string): void {
    const { state } = this;
    if (!state.running || state.now <= state.idleSince) return;
    const fields = { start: state.idleSince, end: state.now, derived: boundaries(true, true), eventId, seq };
    this.emit(
      createSpan({ id: `${eventId}-agent`, kind: 'model', name: state.model, step: state.step, ...fields }),
    );
  }

  private foldCondensation(seq: number, event: Condensation): void {
    const { state, options } = this;
    this.release(null);
    const { id, llm_response_id: responseId, forgotten_event_ids: forgotten } = event;
    const latency = options.facts.latencyOf(responseId);
    const start = state.running ? state.idleSince : Math.max(state.now - (latency ?? 0), 0);
    this.hold(
      createSpan({
        id,
        kind: 'condensation',
        name: state.model,
        step: state.step,
        start: Math.min(start || state.now, state.now),
        end: state.now,
        derived: boundaries(latency === undefined, false),
        eventId: id,
        responseId,
        seq,
        forgotten: forgotten.length,
      }),
    );
    if (state.calls.length === 0) state.idleSince = state.now;
  }

  private foldError(seq: number, event: ConversationErrorEvent): void {
    const { state } = this;
    if (event.code === RESTARTED) {
      this.emitDown(seq, event.id);
      return;
    }
    const from = state.failedFrom ?? (state.running && state.calls.length === 0 ? state.idleSince : null);
    state.failedFrom = null;
    // Limits of a run and failures of the server itself end it without a call of the model.
    if (from === null || !event.code.startsWith('LLM')) return;
    this.emitLost(from, seq, event.id);
    if (state.running) state.idleSince = state.now;
  }

  /** The server stopped somewhere between the last event and its next start. */
  private emitDown(seq: number, eventId: string): void {
    const { state } = this;
    const fields = { start: state.lastWork, end: state.now, derived: ['started_at' as const], eventId, seq };
    this.emit(createSpan({ id: eventId, kind: 'down', name: 'server restart', step: state.step, ...fields }));
    state.calls = [];
    state.idleSince = state.now;
  }

  /** A call of the model that was given up: the run was paused or interrupted. */
  private loseAnswer(seq: number, id: string): void {
    const { state } = this;
    if (!state.running || state.calls.length > 0) return;
    if (state.now - state.idleSince >= MIN_LOST_WAIT_MS) this.emitLost(state.idleSince, seq, id);
  }

  private emitLost(from: number, seq: number, eventId: string): void {
    const { state } = this;
    const fields = { start: from, end: state.now, derived: boundaries(true, false), eventId, seq };
    const id = `${eventId}-model`;
    this.emit(
      createSpan({ id, kind: 'model', name: state.model, step: state.step, failed: true, ...fields }),
    );
  }

  private waitFor(kind: Wait['kind'], name: string, seq: number, eventId: string): void {
    const { state } = this;
    this.release(null);
    for (const open of state.usages.splice(0)) this.emitOther(open);
    this.endWait(seq, eventId);
    state.running = false;
    state.wait = { kind, name, start: state.now, eventId, refused: false };
  }

  private endWait(seq: number, eventId: string): void {
    const { wait, now } = this.state;
    if (!wait) return;
    this.state.wait = null;
    this.emit({ ...this.waitSpan(wait, now, eventId, seq), resultEventId: eventId });
  }

  /** A wait for the next message in a log without changes of status, such as that of a fork of a branch. */
  private emitWaitSince(start: number, seq: number, eventId: string): void {
    const wait: Wait = { kind: 'person', name: 'next message', start, eventId: null, refused: false };
    const span = this.waitSpan(wait, this.state.now, eventId, seq);
    this.emit({ ...span, derived: ['started_at'], resultEventId: eventId });
  }

  private waitSpan(wait: Wait, end: number | undefined, endedBy: string, seq: number): Span {
    const { kind, name, start, eventId, refused } = wait;
    const id = `${kind}-${endedBy}`;
    const { step } = this.state;
    return createSpan({ id, kind, name, step, start, end, eventId, seq, failed: refused });
  }

  private emit(span: Span): void {
    const end = Math.max(span.start, span.end ?? span.start);
    this.sink.span({ ...span, end, copied: this.isCopied(end) });
  }

  private isCopied(end: number): boolean {
    return end <= this.options.copiedUntil;
  }
}

function callOf(
  { calls }: FoldState,
  event: { tool_call_id: string; action_id?: string },
): OpenCall | undefined {
  return calls.find(({ actionId, callId }) =>
    event.action_id === undefined ? callId === event.tool_call_id : actionId === event.action_id,
  );
}

/** Written by the recovery from a crash, long after the work that it is about. */
function isRecovery(event: DurableEvent): boolean {
  if (event.kind === 'ConversationStateUpdateEvent') return event.key === 'goal';
  return event.kind === 'AgentErrorEvent' && isRestartError(event);
}

function isRestartError({ error }: AgentErrorEvent): boolean {
  return error.startsWith(RESTART_ERROR);
}

function pendingNames(calls: readonly OpenCall[]): string {
  const [first, ...others] = calls;
  if (!first) return 'confirmation';
  return others.length === 0 ? first.name : `${first.name} and ${others.length} more`;
}

function isSame(one: SpanUsage, other: SpanUsage): boolean {
  return one.prompt_tokens === other.prompt_tokens && one.completion_tokens === other.completion_tokens;
}

function boundaries(start: boolean, end: boolean): Span['derived'] {
  return [...(start ? ['started_at' as const] : []), ...(end ? ['ended_at' as const] : [])];
}
