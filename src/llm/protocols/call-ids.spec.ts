import fc from 'fast-check';
import type { Message } from '../../events/index.js';
import { splitThoughtSignature } from './thought-signature.js';
import { ANY_CALL_ID, CLAUDE_CALL_ID, MISTRAL_CALL_ID, withCallIds, type CallIdForm } from './call-ids.js';

/** An answer with calls and their results. */
function exchange(ids: readonly string[]): Message[] {
  const calls = ids.map((id) => ({ id, name: 'terminal', arguments: '{}', origin: 'completion' as const }));
  const results = ids.map((id): Message => ({
    role: 'tool',
    content: [],
    tool_call_id: id,
    name: 'terminal',
    thinking_blocks: [],
  }));
  return [{ role: 'assistant', content: [], tool_calls: calls, thinking_blocks: [] }, ...results];
}

const callIds = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id));
const resultIds = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ tool_call_id }) => tool_call_id ?? []);

const FORMS: [string, CallIdForm][] = [
  ['Claude', CLAUDE_CALL_ID],
  ['Mistral', MISTRAL_CALL_ID],
  ['chat completions', ANY_CALL_ID],
];

describe('withCallIds', () => {
  it('does not change accepted ids', () => {
    const messages = exchange(['toolu_01A', 'call_x-1']);
    expect(withCallIds(messages, CLAUDE_CALL_ID)).toEqual(messages);
  });

  it("replaces Kimi's ids by accepted ones and keeps Gemini's signatures", () => {
    const messages = [...exchange(['functions.terminal:0']), ...exchange(['g1__thought__S/+=='])];
    const fitting = withCallIds(messages, CLAUDE_CALL_ID);
    const [kimi = '', gemini] = callIds(fitting);
    expect(kimi).toMatch(/^[0-9a-f]{32}$/);
    expect(gemini).toBe('g1__thought__S/+==');
    expect(resultIds(fitting)).toEqual([kimi, gemini]);
    expect(callIds(withCallIds(messages, MISTRAL_CALL_ID))[0]).toMatch(/^[0-9a-f]{9}$/);
  });

  const id = fc.oneof(
    fc.constantFrom('call_1', 'call_2', 'functions.terminal:0', '', 'a'.repeat(80), 'é', 'g__thought__SIG'),
    fc.string({ maxLength: 60 }),
  );
  const history = fc.array(fc.uniqueArray(id, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

  it.each(FORMS)('replaces ids consistently in calls, results and later requests for %s', (_name, form) => {
    fc.assert(
      fc.property(history, (batches) => {
        const messages = batches.flatMap(exchange);
        const fitting = withCallIds(messages, form);
        const bare = callIds(fitting).map((whole) => splitThoughtSignature(whole).id);
        expect(bare.filter((one) => !form.pattern.test(one))).toEqual([]);
        expect(resultIds(fitting)).toEqual(callIds(fitting));
        if (form.unique) expect(new Set(bare).size).toBe(bare.length);
        // Earlier messages do not change when the history grows: provider caches depend on it.
        const longer = withCallIds([...messages, ...exchange(['call_1'])], form);
        expect(longer.slice(0, fitting.length)).toEqual(fitting);
      }),
    );
  });
});
