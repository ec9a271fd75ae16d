import fc from 'fast-check';
import { passes, toItems, type StreamItem } from './stream-items.js';
import type { WireEvent } from './wire-event.js';

let count = 0;
function event(kind: string, fields: Record<string, unknown> = {}): WireEvent {
  count += 1;
  const micros = String(count).padStart(6, '0');
  return { id: `e${count}`, kind, source: 'agent', timestamp: `2026-01-01T00:00:00.${micros}`, ...fields };
}
const action = (call: string, fields = {}) =>
  event('ActionEvent', {
    tool_call_id: call,
    tool_name: 'terminal',
    action: { kind: 'TerminalAction' },
    ...fields,
  });
const result = (of: WireEvent) =>
  event('ObservationEvent', { action_id: of.id, tool_call_id: of['tool_call_id'], observation: {} });
const status = (value: string) => event('ConversationStateUpdateEvent', { key: 'execution_status', value });
const partsOf = (item: StreamItem) =>
  item.type === 'event' ? [item.event] : [item.action, item.result].filter((part) => part !== undefined);

describe('items of the stream', () => {
  it('joins parallel calls with their results, in the order of the calls', () => {
    const [a, b] = [action('1'), action('2')];
    const [ofB, ofA] = [result(b), result(a)];
    expect(toItems([a, b, ofB, ofA], null)).toMatchObject([
      { type: 'call', id: a.id, action: a, result: ofA },
      { type: 'call', id: b.id, action: b, result: ofB },
    ]);
  });

  it('shows a result alone where its action is not loaded', () => {
    const orphan = result(action('1'));
    expect(toItems([orphan], null)).toMatchObject([{ type: 'call', id: orphan.id, result: orphan }]);
  });

  it('knows which calls waited for a person, and when they began', () => {
    const call = action('1');
    const resumed = status('running');
    const [item] = toItems([call, status('waiting_for_confirmation'), resumed, result(call)], null);
    expect(item).toMatchObject({ wasAsked: true, startedAt: resumed.timestamp });
  });

  it('joins the two events of a call of an external agent', () => {
    const [start, end] = [1, 2].map(() => event('ACPToolCallEvent', { tool_call_id: 'x', title: 'Read' }));
    expect(toItems([start, end] as WireEvent[], null)).toMatchObject([{ action: start, result: end }]);
  });

  it('takes the risk from a security analyzer', () => {
    const call = action('1', { security_risk: 'UNKNOWN' });
    const analysis = event('SecurityAnalysisEvent', { risks: { [call.id]: 'HIGH' } });
    expect(toItems([call, analysis], null)[0]).toMatchObject({ risk: 'HIGH' });
  });

  it('marks events that are not between the root and the leaf', () => {
    const root = event('MessageEvent', { parent_id: '__root__' });
    const left = event('MessageEvent', { parent_id: root.id });
    const leaf = event('MessageEvent', { parent_id: left.id });
    const right = event('MessageEvent', { parent_id: root.id });
    const off = (of: string) =>
      toItems([root, left, leaf, right], of)
        .filter(({ isOffBranch }) => isOffBranch)
        .map(({ id }) => id);
    expect(off(right.id)).toEqual([left.id, leaf.id]);
    expect(off(leaf.id)).toEqual([right.id]);
  });

  it('puts every event into exactly one item, whatever refers to what', () => {
    const ids = fc.constantFrom('e1', 'e2', 'e3', 'e4', '__root__', '');
    const wire = fc.record({
      kind: fc.constantFrom(
        'ActionEvent',
        'ObservationEvent',
        'AgentErrorEvent',
        'ACPToolCallEvent',
        'MessageEvent',
        'ConversationStateUpdateEvent',
        'SecurityAnalysisEvent',
        'Unknown',
      ),
      parent_id: ids,
      action_id: ids,
      tool_call_id: fc.constantFrom('1', '2', ''),
      key: fc.constant('execution_status'),
      value: fc.constantFrom('running', 'waiting_for_confirmation'),
      risks: fc.anything(),
    });
    fc.assert(
      fc.property(fc.array(wire, { maxLength: 12 }), ids, (drafts, leaf) => {
        const events = drafts.map((draft, index): WireEvent => ({
          ...draft,
          id: `e${index + 1}`,
          source: '',
          timestamp: '',
        }));
        const items = toItems(events, leaf);
        const seen = items.flatMap(partsOf).map(({ id }) => id);
        expect([...seen].sort()).toEqual(events.map(({ id }) => id).sort());
        expect(items.every((item) => passes(item, 'raw'))).toBe(true);
      }),
    );
  });
});
