import fc from 'fast-check';
import { EXECUTION_STATUSES, type DurableEvent } from '../../events/index.js';
import { initialState } from './fold-state.js';
import { durationOf, SPAN_KINDS, type Span } from './span.js';
import type { FoldOptions } from './fold-context.js';
import { TimelineFold } from './timeline-fold.js';
import { TimelineIndex, type TimelineLog } from './timeline-index.js';

const OPTIONS: FoldOptions = {
  toolConcurrency: 1,
  copiedUntil: Number.NEGATIVE_INFINITY,
  facts: { latencyOf: () => undefined, usageOf: () => undefined },
  mask: (text) => text,
};

/** What may stand in a log, also what no agent writes: results without actions, statuses in any order. */
const event = fc.oneof(
  fc.record({ kind: fc.constant('status'), value: fc.constantFrom(...EXECUTION_STATUSES) }),
  fc.record({ kind: fc.constant('stats'), value: fc.nat(50) }),
  fc.record({ kind: fc.constantFrom('action', 'result', 'error', 'reject', 'acp'), value: fc.nat(4) }),
  fc.record({ kind: fc.constantFrom('user', 'agent', 'nudge', 'condensation', 'pause'), value: fc.nat(3) }),
  fc.record({ kind: fc.constant('hook'), value: fc.constantFrom('PreToolUse', 'PostToolUse', 'Stop') }),
  fc.record({ kind: fc.constant('failure'), value: fc.constantFrom('ServerRestarted', 'LLMTimeoutError') }),
);
/** Seconds between two events: the clock may be set back. */
const step = fc.integer({ min: -3, max: 20 });
const steps = fc.array(fc.tuple(event, step), { maxLength: 80 });

/** A log in memory. */
function logOf(items: readonly (readonly [{ kind: string; value: unknown }, number])[]): {
  log: TimelineLog;
  events: DurableEvent[];
} {
  let at = Date.parse('2026-03-01T12:00:00Z');
  let total = 0;
  const events = items.map(([{ kind, value }, seconds], seq) => {
    at += seconds * 1000;
    if (kind === 'stats') total += Number(value);
    return eventOf(kind, value, { seq, timestamp: localTime(at), total });
  });
  const byId = new Map(events.map(({ id }, seq) => [id, seq]));
  return {
    events,
    log: {
      length: events.length,
      readBytes: (from, limit) =>
        Promise.resolve(events.slice(from, from + limit).map((one) => Buffer.from(JSON.stringify(one)))),
      seqOf: (id) => Promise.resolve(byId.get(id)),
      entry: (seq) => Promise.resolve(events[seq] ?? { id: '', kind: '', source: '', timestamp: '' }),
      entries: (from, limit) => Promise.resolve(events.slice(from, from + limit)),
    },
  };
}

function localTime(ms: number): string {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 23).padEnd(26, '0');
}

function eventOf(
  kind: string,
  value: unknown,
  { seq, timestamp, total }: { seq: number; timestamp: string; total: number },
): DurableEvent {
  const base = {
    id: `event-${seq}`,
    timestamp,
    source: 'agent',
    tool_name: 'terminal',
    tool_call_id: `call-${String(value)}`,
  };
  const content = [{ type: 'text', text: 'text', cache_prompt: false }];
  const message = { role: 'assistant', content, thinking_blocks: [] };
  const more: Record<string, object> = {
    status: { kind: 'ConversationStateUpdateEvent', key: 'execution_status', value },
    stats: { kind: 'ConversationStateUpdateEvent', key: 'stats', value: statsOf(total) },
    action: {
      kind: 'ActionEvent',
      thought: [],
      thinking_blocks: [],
      action: { kind: 'FileEditorAction', command: 'create', path: `/file-${String(value)}` },
      tool_call: { id: base.tool_call_id, name: 'terminal', arguments: '{}', origin: 'completion' },
      llm_response_id: `response-${String(value)}`,
    },
    result: {
      kind: 'ObservationEvent',
      action_id: `event-${seq - 1}`,
      observation: { content, is_error: false },
      extended_content: [],
    },
    error: {
      kind: 'AgentErrorEvent',
      error: value === 0 ? 'A restart occurred while this tool was in progress.' : 'failed',
    },
    reject: { kind: 'UserRejectObservation', action_id: `event-${seq - 1}`, rejection_reason: 'no' },
    acp: {
      kind: 'ACPToolCallEvent',
      title: 'Edit',
      status: value === 1 ? 'completed' : 'in_progress',
      is_error: false,
    },
    user: {
      kind: 'MessageEvent',
      source: 'user',
      llm_message: message,
      activated_skills: [],
      extended_content: [],
    },
    agent: {
      kind: 'MessageEvent',
      llm_message: message,
      activated_skills: [],
      extended_content: [],
      llm_response_id: `answer-${seq}`,
    },
    nudge: {
      kind: 'MessageEvent',
      source: 'environment',
      llm_message: message,
      activated_skills: [],
      extended_content: [],
    },
    condensation: {
      kind: 'Condensation',
      forgotten_event_ids: ['event-0'],
      llm_response_id: `summary-${seq}`,
    },
    pause: { kind: 'PauseEvent' },
    hook: { kind: 'HookExecutionEvent', hook_event_type: value, success: true, blocked: false },
    failure: { kind: 'ConversationErrorEvent', code: value, detail: 'detail' },
  };
  return { ...base, ...more[kind] } as unknown as DurableEvent;
}

function statsOf(total: number): object {
  const tokens = { prompt_tokens: 10 * total, completion_tokens: total };
  return {
    usage_to_metrics: {
      agent: { model_name: 'm', accumulated_cost: total, accumulated_token_usage: tokens },
    },
  };
}

/** All spans of a log, derived in one go. */
function allSpans(events: readonly DurableEvent[]): { spans: Span[]; toolTime: number } {
  const spans: Span[] = [];
  let toolTime = 0;
  const fold = new TimelineFold(initialState(), OPTIONS, {
    span: (span) => spans.push(span),
    toolTime: (ms) => (toolTime += ms),
    file: () => undefined,
  });
  for (const [seq, one] of events.entries()) fold.push(seq, one);
  return { spans: [...spans, ...fold.inProgress()], toolTime };
}

describe('TimelineIndex', () => {
  it('derives spans with unique ids and without negative durations from any log', () => {
    fc.assert(
      fc.property(steps, (items) => {
        const { spans, toolTime } = allSpans(logOf(items).events);
        for (const { start, end, seq } of spans) {
          expect(end === undefined || end >= start).toBe(true);
          expect(Number.isFinite(start) && Number.isFinite(seq)).toBe(true);
        }
        expect(toolTime).toBeGreaterThanOrEqual(0);
        const ids = spans.map(({ id }) => id);
        expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives each wait its own id, also those before and after one for a confirmation', () => {
    const { spans } = allSpans(
      logOf([
        [{ kind: 'status', value: 'finished' }, 0],
        [{ kind: 'action', value: 0 }, 0],
        [{ kind: 'status', value: 'stuck' }, 0],
        [{ kind: 'status', value: 'waiting_for_confirmation' }, 0],
      ]).events,
    );
    const waits = spans.filter(({ kind }) => kind === 'person' || kind === 'confirmation');
    expect(new Set(waits.map(({ id }) => id)).size).toBe(3);
  });

  it('ends each wait before the next one begins', () => {
    fc.assert(
      fc.property(steps, (items) => {
        const waits = allSpans(logOf(items).events).spans.filter(({ kind }) =>
          ['person', 'confirmation', 'paused'].includes(kind),
        );
        for (const [index, { start }] of waits.slice(1).entries())
          expect(start).toBeGreaterThanOrEqual(waits[index]?.end ?? start);
      }),
      { numRuns: 500 },
    );
  });

  it('attributes all of the usage to spans, except that of an answer still to come', () => {
    fc.assert(
      fc.property(steps, (items) => {
        // A last pause ends the wait for an answer.
        const { events } = logOf([...items, [{ kind: 'status', value: 'paused' }, 1]]);
        const used = allSpans(events).spans.reduce((sum, { usage }) => sum + (usage?.cost ?? 0), 0);
        const total = items.reduce(
          (sum, [{ kind, value }]) => sum + (typeof value === 'number' && kind === 'stats' ? value : 0),
          0,
        );
        expect(used).toBe(total);
      }),
      { numRuns: 500 },
    );
  });

  it('returns in pages of any size and kind what one pass derives, however the log grew', async () => {
    const kinds = fc.constantFrom(undefined, ...SPAN_KINDS);
    const sizes = fc.record({
      limit: fc.integer({ min: 1, max: 9 }),
      chunk: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(steps, kinds, sizes, fc.nat(80), async (items, kind, { limit, chunk }, cut) => {
        const { log, events } = logOf(items);
        const index = new TimelineIndex(chunk);
        await index.extend(log, Math.min(cut, events.length), OPTIONS);
        await index.extend(log, events.length, OPTIONS);
        const paged: Span[] = [];
        let before: number | undefined;
        do {
          const { spans, next } = await index.page(log, { before, limit, kind }, OPTIONS);
          expect(spans.length).toBeLessThanOrEqual(limit);
          paged.push(...spans);
          before = next;
        } while (before !== undefined);
        const ended = allSpans(events).spans.filter(({ seq }) => seq < Number.MAX_SAFE_INTEGER);
        const expected = ended.filter((span) => kind === undefined || span.kind === kind);
        const held = index.inProgress(OPTIONS).filter(({ seq }) => seq < Number.MAX_SAFE_INTEGER);
        const emitted = expected.filter(({ id }) => !held.some((span) => span.id === id));
        expect(paged.toReversed()).toEqual(emitted);
      }),
      { numRuns: 300 },
    );
  });

  it('adds up the spans that it returns', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (items) => {
        const { log, events } = logOf(items);
        const index = new TimelineIndex(7);
        await index.extend(log, events.length, OPTIONS);
        const { spans } = await index.page(log, { before: undefined, limit: 1000, kind: undefined }, OPTIONS);
        for (const kind of SPAN_KINDS) {
          const own = spans.filter((span) => span.kind === kind);
          const { count, failed, duration } = index.totals.kinds[kind];
          expect([count, failed]).toEqual([own.length, own.filter((span) => span.failed).length]);
          if (kind === 'tool') continue;
          const sum = own.reduce((ms, span) => ms + (span.parentId === null ? durationOf(span) : 0), 0);
          expect(duration).toBeCloseTo(sum, 3);
        }
        expect(index.series.points.reduce((sum, { answers }) => sum + answers, 0)).toBe(
          spans.filter(({ usage }) => usage !== null).length,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('begins anew for another log with the same id', async () => {
    const { log } = logOf([[{ kind: 'user', value: 0 }, 1]]);
    const index = new TimelineIndex();
    await index.extend(log, 1, OPTIONS);
    expect(await index.continues(log, 1)).toBe(true);
    expect(await index.continues(log, 0)).toBe(false);
    const other = { ...log, entry: async () => ({ ...(await log.entry(0)), id: 'other' }) };
    expect(await index.continues(other, 1)).toBe(false);
  });
});
