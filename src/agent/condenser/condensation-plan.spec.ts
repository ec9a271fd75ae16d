import fc from 'fast-check';
import { action, exchange, message, observation } from '../../../test/support/events.js';
import { llmConfig } from '../../../test/support/llm-config.js';
import { createEvent, textContent, type ActionEvent, type SystemPromptEvent } from '../../events/index.js';
import { AgentView, type BranchEvent, type ViewEvent } from '../agent-view.js';
import { toMessages } from '../messages/to-messages.js';
import { allowedCuts } from './allowed-cuts.js';
import type { SummarizingCondenserSpec } from './condenser-spec.js';
import { condensationNeed, planCut, planReset } from './condensation-plan.js';
import { estimateTokens, ViewTokens } from './view-tokens.js';

const spec = (limits: Partial<SummarizingCondenserSpec> = {}): SummarizingCondenserSpec => ({
  llm: llmConfig({ model: 'scripted/x' }),
  max_size: 10,
  max_tokens: null,
  keep_first: 2,
  minimum_progress: 0.1,
  hard_context_reset_max_retries: 5,
  hard_context_reset_context_scaling: 0.8,
  kind: 'LLMSummarizingCondenser',
  ...limits,
});

function prompt(): SystemPromptEvent {
  const system_prompt = textContent('You are an agent.');
  return createEvent({ source: 'agent', system_prompt, tools: [], kind: 'SystemPromptEvent' });
}

function viewOf(...events: BranchEvent[]): AgentView {
  const view = new AgentView();
  for (const event of events) view.push(event);
  return view;
}

const plain = (count: number): BranchEvent[] =>
  Array.from({ length: count }, (_, index) => exchange(`c${index}`, 'ls', 'a')).flat();

/** Calls of one answer with all results, in any order, with an optional message in between. */
const batch = fc
  .record({ calls: fc.integer({ min: 1, max: 3 }), interrupted: fc.boolean(), thinking: fc.boolean() })
  .map(({ calls, interrupted, thinking }): BranchEvent[] => {
    const response = `r${Math.random()}`;
    const actions = Array.from({ length: calls }, (_, index): ActionEvent => {
      const made = action(`${response}-${index}`, 'ls', response);
      const thought = { type: 'thinking' as const, thinking: 'hm', signature: 's' };
      return thinking && index === 0 ? { ...made, thinking_blocks: [thought] } : made;
    });
    const results = actions.map((made) => observation(made, 'ok')).reverse();
    return [...actions, ...(interrupted ? [message('user', 'wait')] : []), ...results];
  });
const history = fc
  .array(
    fc.oneof(
      batch,
      fc.string().map((text) => [message('user', text)]),
    ),
    { maxLength: 12 },
  )
  .map((parts) => [prompt(), ...parts.flat()]);

const requested = (view: AgentView, limits?: Partial<SummarizingCondenserSpec>) => ({
  view,
  spec: spec(limits),
  tokens: estimateTokens(view.events),
  inputLimit: null,
  requested: true,
});

describe('planning a condensation', () => {
  it('keeps the first and the last events as the original does', () => {
    const view = viewOf(prompt(), message('user', 'go'), ...plain(5));
    const soft = { view, spec: spec(), tokens: 0, inputLimit: null, requested: false };
    expect(condensationNeed(soft)).toBe('soft');
    expect(planCut(soft)).toEqual({ start: 2, end: 10 });
    expect(condensationNeed(requested(view))).toBe('hard');
    // Half of the view, between a call with its result and the next.
    expect(
      planCut(requested(viewOf(prompt(), message('user', 'go'), ...plain(3)), { max_size: 80 })),
    ).toEqual({
      start: 2,
      end: 8,
    });
    expect(condensationNeed({ ...soft, spec: spec({ max_size: 12 }) })).toBe('none');
  });

  it('compares tokens with the limits of the model and of the condenser', () => {
    const view = viewOf(prompt(), message('user', 'x'.repeat(4_000)), message('agent', 'y'.repeat(4_000)));
    const tokens = estimateTokens(view.events);
    const inputWith = (max_tokens: number | null, inputLimit: number | null) => ({
      view,
      spec: spec({ max_tokens, keep_first: 1 }),
      tokens,
      inputLimit,
      requested: false,
    });
    expect(condensationNeed(inputWith(null, null))).toBe('none');
    expect(condensationNeed(inputWith(tokens - 1, 1_000_000))).toBe('hard');
    expect(condensationNeed(inputWith(null, tokens - 1))).toBe('hard');
    expect(condensationNeed(inputWith(tokens, tokens))).toBe('none');
    expect(planCut(inputWith(tokens - 1, null))).toEqual({ start: 1, end: 3 });
    const images = viewOf({
      ...message('user', ''),
      llm_message: {
        role: 'user',
        content: [
          { cache_prompt: false, type: 'image', image_urls: [`data:image/png;base64,${'A'.repeat(1e6)}`] },
        ],
        thinking_blocks: [],
      },
    });
    expect(estimateTokens(images.events)).toBeLessThan(3_000);
  });

  it('uses the count of the provider until the view is condensed', () => {
    const view = viewOf(prompt(), message('user', 'go'), ...plain(4));
    const viewTokens = new ViewTokens();
    expect(viewTokens.of(view)).toBe(estimateTokens(view.events));
    viewTokens.record(view, 6, 0);
    expect(viewTokens.of(view)).toBe(estimateTokens(view.events));
    viewTokens.record(view, 6, 50_000);
    expect(viewTokens.of(view)).toBe(50_000 + estimateTokens(view.events.slice(6)));
    // Fewer events are kept when the count exceeds the estimate.
    const it = { view, spec: spec({ max_tokens: 40_000 }), inputLimit: null, requested: false };
    expect(planCut({ ...it, tokens: viewTokens.of(view) })).toEqual({ start: 2, end: 8 });
    view.push(
      createEvent({
        ...{ source: 'environment', forgotten_event_ids: view.events.slice(2, 6).map(({ id }) => id) },
        ...{ summary: 's', summary_offset: 2, llm_response_id: 'r', kind: 'Condensation' },
      }),
    );
    expect(viewTokens.of(view)).toBe(estimateTokens(view.events));
  });

  it('never removes pending calls or only a summary', () => {
    const open = action('open', 'sleep');
    const view = viewOf(prompt(), message('user', 'go'), open);
    expect(planCut(requested(view))).toBeUndefined();
    expect(planReset(view)).toEqual({ start: 1, end: 2 });
    const condensed = viewOf(prompt(), message('user', 'go'));
    const forgotten_event_ids = condensed.events.slice(1).map(({ id }) => id);
    condensed.push(
      createEvent({
        ...{ source: 'environment', forgotten_event_ids, summary: 's', summary_offset: 1 },
        ...{ llm_response_id: 'r', kind: 'Condensation' },
      }),
    );
    expect(condensed.events.map(({ kind }) => kind)).toEqual([
      'SystemPromptEvent',
      'CondensationSummaryEvent',
    ]);
    expect(planCut(requested(condensed, { keep_first: 0 }))).toBeUndefined();
    expect(planReset(condensed)).toBeUndefined();
  });

  it('keeps every call together with its results', () => {
    fc.assert(
      fc.property(
        history,
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 11, max: 30 }),
        (events, keep_first, max_size) => {
          const view = viewOf(...events);
          for (const cut of [planCut(requested(view, { keep_first, max_size })), planReset(view)]) {
            if (!cut) continue;
            const forgotten = view.events.slice(cut.start, cut.end).map(({ id }) => id);
            const after = viewOf(...events);
            after.push(
              createEvent({
                ...{ source: 'environment', forgotten_event_ids: forgotten, summary: 'SUMMARY' },
                ...{ summary_offset: cut.start, llm_response_id: 'r', kind: 'Condensation' },
              }),
            );
            expect(after.events).toHaveLength(view.events.length - forgotten.length + 1);
            expect(after.events[cut.start]?.kind).toBe('CondensationSummaryEvent');
            assertCallsMatchResults(after.events);
          }
        },
      ),
    );
  });

  it('does not cut before calls without thinking blocks that follow calls with thinking blocks', () => {
    const withThinking: ActionEvent = {
      ...action('a', 'ls'),
      thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 's' }],
    };
    const next = action('b', 'ls');
    const events = [
      message('user', 'go'),
      withThinking,
      observation(withThinking, 'x'),
      next,
      observation(next, 'y'),
    ];
    expect(allowedCuts(viewOf(...events).events)).toEqual([true, true, false, false, false, true]);
    expect(allowedCuts(viewOf(...events, message('user', 'go'), ...plain(1)).events).slice(5)).toEqual([
      ...[true, true, false, true],
    ]);
  });
});

/** Checks what providers require: each call is followed by its result, and each result by its call. */
function assertCallsMatchResults(events: readonly ViewEvent[]): void {
  const messages = toMessages(events, (seen) => seen.content);
  const open = new Set<string>();
  for (const { role, tool_calls, tool_call_id } of messages) {
    if (role !== 'tool') expect(open.size).toBe(0);
    for (const { id } of tool_calls ?? []) open.add(id);
    if (tool_call_id !== undefined) expect(open.delete(tool_call_id)).toBe(true);
  }
  expect(open.size).toBe(0);
  const results = events.filter(({ kind }) => kind === 'ObservationEvent');
  expect(messages.filter(({ role }) => role === 'tool')).toHaveLength(results.length);
}
