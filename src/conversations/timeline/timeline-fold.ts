import type {
  ACPToolCallEvent,
  ActionEvent,
  AgentErrorEvent,
  ConversationErrorEvent,
  ConversationStateUpdateEvent,
  DurableEvent,
  HookExecutionEvent,
  MessageEvent,
} from '../../events/index.js';
import { Answers } from './answers.js';
import { oneLine } from './one-line.js';
import { EventTime } from './event-time.js';
import { FoldContext, MAX_OPEN, type FoldOptions, type FoldSink } from './fold-context.js';
import type { FoldState, HookRun, OpenCall, Wait } from './fold-state.js';
import { createSpan, type Span } from './span.js';
import { ToolCalls } from './tool-calls.js';

/** How the error of a tool begins that a crash interrupted, here and in the original. */
const RESTART_ERROR = 'A restart occurred while this tool was in progress.';
const RESTARTED = 'ServerRestarted';
/** Spans that have not ended are after all events. */
const NOT_ENDED = Number.MAX_SAFE_INTEGER;

/**
 * Derives spans from the events of a log, one event after the other. The log records moments, not durations:
 * a span begins at the event that made it possible and ends at the event with its result. Boundaries that no
 * event records are marked as derived. Durations are never negative, whatever the clock did.
 */
export class TimelineFold {
  private readonly time = new EventTime();
  private readonly context: FoldContext;
  private readonly answers: Answers;
  private readonly calls: ToolCalls;

  constructor(
    readonly state: FoldState,
    options: FoldOptions,
    sink: FoldSink,
  ) {
    this.context = new FoldContext(state, options, sink);
    this.answers = new Answers(this.context);
    this.calls = new ToolCalls(this.context);
  }

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
    const { wait, held, running, calls, model, step, idleSince } = this.state;
    const open = held ? [held] : [];
    if (wait) return [...open, this.waitSpan(wait, undefined, 'now', NOT_ENDED)];
    if (!running) return open;
    if (calls.length > 0) return [...open, ...this.calls.inProgress(NOT_ENDED)];
    const fields = { start: idleSince, end: undefined, derived: ['started_at' as const], seq: NOT_ENDED };
    return [...open, createSpan({ id: 'model-now', kind: 'model', name: model, step, ...fields })];
  }

  private fold(seq: number, event: DurableEvent): void {
    const { state, calls } = this;
    switch (event.kind) {
      case 'ConversationStateUpdateEvent':
        return this.foldUpdate(seq, event);
      case 'MessageEvent':
        return this.foldMessage(seq, event);
      case 'ActionEvent':
        return this.foldAction(seq, event);
      case 'ObservationEvent':
        return calls.end(seq, event.id, calls.of(event), { failed: event.observation.is_error });
      case 'AgentErrorEvent':
        return calls.end(seq, event.id, calls.of(event), { failed: true, byRestart: isRestartError(event) });
      case 'UserRejectObservation':
        if (state.wait?.kind === 'confirmation') state.wait.refused = true;
        return calls.drop(calls.of(event));
      case 'HookExecutionEvent':
        return this.foldHook(seq, event);
      case 'ACPToolCallEvent':
        return this.foldAcpCall(seq, event);
      case 'Condensation':
        return this.answers.condensation(seq, event);
      case 'ConversationErrorEvent':
        return this.foldError(seq, event);
      default:
        return;
    }
  }

  private foldUpdate(seq: number, { id, key, value }: ConversationStateUpdateEvent): void {
    if (key === 'stats') this.answers.stats(seq, id, value);
    if (key === 'execution_status') this.foldStatus(seq, id, value);
  }

  private foldStatus(seq: number, id: string, status: unknown): void {
    const { state } = this;
    switch (status) {
      case 'running':
        this.endWait(seq, id);
        state.running = true;
        state.doneAt = null;
        state.idleSince = state.now;
        return this.calls.resume();
      case 'idle':
        return this.foldIdle(seq, id);
      case 'paused':
        this.answers.interrupted(seq, id);
        return this.waitFor('paused', 'paused', seq, id);
      case 'waiting_for_confirmation':
        return this.waitFor('confirmation', pendingNames(state.calls), seq, id, state.calls[0]?.actionId);
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
    this.calls.begin(event);
  }

  /** An answer of the agent's model. Hooks that ran between it and its event are not time of the model. */
  private answer(seq: number, eventId: string, responseId: string | null): void {
    const { state } = this;
    if (state.wait) this.endWait(seq, eventId);
    const start = Math.min(state.idleSince || state.now, state.now);
    const latency = this.answers.latencyOf(responseId);
    const hasHooks = state.hooks.length > 0 && latency !== undefined;
    const end = hasHooks ? Math.min(state.now, start + latency) : state.now;
    this.answers.take(seq, eventId, responseId, start, end);
    this.flushHooks(end);
    state.idleSince = state.now;
  }

  private foldHook(seq: number, event: HookExecutionEvent): void {
    const { state } = this;
    const { id, hook_event_type: name, blocked, success } = event;
    const run = { id, name, at: state.now, seq, failed: blocked || !success };
    // Before its action: how long it ran shows when the answer is known.
    if (name === 'PreToolUse' && state.hooks.length < MAX_OPEN) {
      state.hooks.push(run);
      return;
    }
    // Runs after the end of the agent, which is recorded before.
    const since = name === 'Stop' ? state.wait?.start : undefined;
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

  private emitHook({ id, name, at, seq, failed }: HookRun, start: number): void {
    const { step, calls } = this.state;
    const parentId = name === 'PostToolUse' ? (calls[0]?.actionId ?? null) : null;
    const fields = { start, end: at, derived: ['started_at' as const], eventId: id, parentId, seq, failed };
    this.context.emit(createSpan({ id, kind: 'hook', name, step, ...fields }));
  }

  private foldAcpCall(seq: number, event: ACPToolCallEvent): void {
    const isFirst = this.state.calls.length === 0;
    if (isFirst) this.answers.agentTime(seq, event.id);
    this.calls.foldAcp(seq, event);
  }

  private foldError(seq: number, event: ConversationErrorEvent): void {
    const { state } = this;
    if (event.code === RESTARTED) {
      this.emitDown(seq, event.id);
      return;
    }
    const waiting = state.running && state.calls.length === 0 ? state.idleSince : null;
    const from = state.failedFrom ?? waiting;
    state.failedFrom = null;
    // Limits of a run and failures of the server itself end it without a call of the model.
    if (from === null || !event.code.startsWith('LLM')) return;
    this.answers.lost(from, seq, event.id, oneLine(`${event.code}: ${event.detail}`));
    if (state.running) state.idleSince = state.now;
  }

  /** The server stopped somewhere between the last event and its next start. */
  private emitDown(seq: number, eventId: string): void {
    const { state } = this;
    const fields = { start: state.lastWork, end: state.now, derived: ['started_at' as const], eventId, seq };
    const name = 'server restart';
    this.context.emit(createSpan({ id: eventId, kind: 'down', name, step: state.step, ...fields }));
    state.calls = [];
    state.idleSince = state.now;
  }

  /**
   * @param statusId the event that begins the wait, and ends one before it
   * @param eventId what is waited for, if it is another event
   */
  private waitFor(kind: Wait['kind'], name: string, seq: number, statusId: string, eventId = statusId): void {
    const { state } = this;
    this.answers.flush();
    this.endWait(seq, statusId);
    state.running = false;
    state.wait = { kind, name, start: state.now, eventId, refused: false };
  }

  private endWait(seq: number, eventId: string): void {
    const { wait, now } = this.state;
    if (!wait) return;
    this.state.wait = null;
    this.context.emit({ ...this.waitSpan(wait, now, eventId, seq), resultEventId: eventId });
  }

  /** A wait for the next message in a log without changes of status, such as that of a fork of a branch. */
  private emitWaitSince(start: number, seq: number, eventId: string): void {
    const wait: Wait = { kind: 'person', name: 'next message', start, eventId: null, refused: false };
    const span = this.waitSpan(wait, this.state.now, eventId, seq);
    this.context.emit({ ...span, derived: ['started_at'], resultEventId: eventId });
  }

  private waitSpan(wait: Wait, end: number | undefined, endedBy: string, seq: number): Span {
    const { kind, name, start, eventId, refused } = wait;
    const fields = { name, start, end, eventId, seq, failed: refused };
    return createSpan({ id: `${kind}-${endedBy}`, kind, step: this.state.step, ...fields });
  }
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
