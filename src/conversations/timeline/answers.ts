import type { Condensation } from '../../events/index.js';
import { derivedBoundaries, MAX_OPEN, type FoldContext } from './fold-context.js';
import type { OpenUsage } from './fold-state.js';
import { createSpan, type Span, type SpanUsage } from './span.js';
import { usageChanges } from './usage-changes.js';

/** Shorter waits (ms) for an answer that never came are the time between two steps. */
const MIN_LOST_WAIT_MS = 20;

/** Answers of models: when they came and what they have used. */
export class Answers {
  constructor(private readonly context: FoldContext) {}

  /** An answer of the agent's model has arrived. @param end when, if it is known to be before its event */
  take(seq: number, eventId: string, responseId: string | null, start: number, end: number): void {
    const { state } = this.context;
    this.release(null);
    const usage = this.takeUsage(responseId);
    const hasHooks = state.hooks.length > 0;
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
        derived: derivedBoundaries(this.latencyOf(responseId) === undefined, hasHooks),
        eventId,
        responseId,
        usage,
        seq,
      }),
    );
  }

  /** How long the model took (ms), where it is known. */
  latencyOf(responseId: string | null): number | undefined {
    return responseId === null ? undefined : this.context.options.facts.latencyOf(responseId);
  }

  condensation(seq: number, event: Condensation): void {
    const { state } = this.context;
    this.release(null);
    const { id, llm_response_id: responseId, forgotten_event_ids: forgotten } = event;
    const latency = this.latencyOf(responseId);
    const start = state.running ? state.idleSince : Math.max(state.now - (latency ?? 0), 0);
    this.hold(
      createSpan({
        id,
        kind: 'condensation',
        name: state.model,
        step: state.step,
        start: Math.min(start || state.now, state.now),
        end: state.now,
        derived: derivedBoundaries(latency === undefined, false),
        eventId: id,
        responseId,
        seq,
        forgotten: forgotten.length,
      }),
    );
    if (state.calls.length === 0) state.idleSince = state.now;
  }

  /**
   * Takes a `stats` event. Usage belongs to the answer before it that has none, or else to the next answer.
   * While a tool runs or a person is waited for, it belongs to neither.
   */
  stats(seq: number, id: string, value: unknown): void {
    const { state } = this.context;
    for (const [index, usage] of usageChanges(state.totals, value).entries()) {
      const open = { usage, id, part: index, at: state.now, seq };
      if (state.held) this.release(usage);
      else if (state.calls.length > 0 || !state.running) this.emitOther(open);
      else state.usages.push(open);
    }
    while (state.usages.length > MAX_OPEN) this.emitOther(state.usages.shift());
  }

  /** No answer will come any more that usage could belong to. */
  flush(): void {
    this.release(null);
    for (const open of this.context.state.usages.splice(0)) this.emitOther(open);
  }

  /** An ACP agent calls its model itself: what is not time of a tool is its own. */
  agentTime(seq: number, eventId: string): void {
    const { state } = this.context;
    if (!state.running || state.now <= state.idleSince) return;
    this.emitWait(`${eventId}-agent`, state.idleSince, {
      eventId,
      seq,
      derived: derivedBoundaries(true, true),
    });
  }

  /** A call of the model that was given up: the run was paused or interrupted. */
  interrupted(seq: number, eventId: string): void {
    const { state } = this.context;
    if (!state.running || state.calls.length > 0) return;
    if (state.now - state.idleSince >= MIN_LOST_WAIT_MS) this.lost(state.idleSince, seq, eventId);
  }

  /** A call of the model without an answer. */
  lost(from: number, seq: number, eventId: string, detail = ''): void {
    const fields = { eventId, detail, seq, failed: true, derived: derivedBoundaries(true, false) };
    this.emitWait(`lost-${eventId}`, from, fields);
  }

  private emitWait(id: string, start: number, fields: Partial<Span> & Pick<Span, 'seq'>): void {
    const { state } = this.context;
    const span = { id, kind: 'model' as const, name: state.model, step: state.step, start, end: state.now };
    this.context.emit(createSpan({ ...span, ...fields }));
  }

  /** Emits a span at once if its usage is known, else keeps it until a `stats` event follows. */
  private hold(span: Span): void {
    if (span.usage) this.context.emit(span);
    else this.context.state.held = span;
  }

  private release(usage: SpanUsage | null): void {
    const { state, options } = this.context;
    const { held } = state;
    if (!held) return;
    state.held = null;
    const facts = held.responseId === null ? undefined : options.facts.usageOf(held.responseId);
    const known = usage ?? facts ?? null;
    this.context.emit({ ...held, usage: known, name: known?.model ?? held.name });
  }

  /** The usage of an answer: the one with its counts, else the last. The others belong to other calls. */
  private takeUsage(responseId: string | null): SpanUsage | null {
    const { state, options } = this.context;
    const facts = responseId === null ? undefined : options.facts.usageOf(responseId);
    const exact = facts && state.usages.findLast(({ usage }) => isSame(usage, facts));
    const mine = exact ?? state.usages.at(-1);
    for (const open of state.usages) if (open !== mine) this.emitOther(open);
    state.usages = [];
    return mine?.usage ?? null;
  }

  /** A call of a model besides the agent's: of a sub-agent, a title, a hook. Only its end is known. */
  private emitOther(open: OpenUsage | undefined): void {
    if (!open) return;
    const { state } = this.context;
    const { usage, id, part, at, seq } = open;
    this.context.emit(
      createSpan({
        id: part === 0 ? id : `${id}-${part}`,
        kind: 'model',
        name: usage.model,
        step: state.step,
        start: at,
        end: at,
        derived: ['started_at'],
        eventId: id,
        parentId: state.calls.at(-1)?.actionId ?? null,
        usage,
        seq,
      }),
    );
  }
}

function isSame(one: SpanUsage, other: SpanUsage): boolean {
  return one.prompt_tokens === other.prompt_tokens && one.completion_tokens === other.completion_tokens;
}
