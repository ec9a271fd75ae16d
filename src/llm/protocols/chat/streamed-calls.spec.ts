import { StreamedCalls } from './streamed-calls.js';

function gather(...pieces: object[]) {
  const told: string[] = [];
  const calls = new StreamedCalls((piece, tool) => told.push(`${tool}:${piece}`));
  for (const piece of pieces) calls.add(piece);
  return {
    told,
    calls: calls.finish().map(({ toolCallId, toolName, input }) => [toolCallId, toolName, input]),
  };
}

const piece = (fields: object, name?: string, args?: string) => ({
  ...fields,
  function: { name, arguments: args },
});

describe('StreamedCalls', () => {
  it('assembles calls by index and returns them in the order of the indexes', () => {
    const { calls, told } = gather(
      piece({ index: 1, id: 'b' }, 'think', '{"y"'),
      piece({ index: 0, id: 'a' }, 'terminal', ''),
      piece({ index: 0 }, undefined, '{}'),
      piece({ index: 1 }, undefined, ': 1}'),
    );
    expect(calls).toEqual([
      ['a', 'terminal', '{}'],
      ['b', 'think', '{"y": 1}'],
    ]);
    expect(told).toEqual(['think:{"y"', 'terminal:{}', 'think:: 1}']);
  });

  it.each([
    [
      'each has the same index',
      [
        { index: 0, id: 'a' },
        { index: 0, id: 'b' },
      ],
    ],
    ['there are no indexes', [{ id: 'a' }, { id: 'b' }]],
  ])('distinguishes complete calls when %s', (_what, ids) => {
    const { calls } = gather(...ids.map((id) => piece(id, 'terminal', '{"x": 1}')));
    expect(calls).toEqual([
      ['a', 'terminal', '{"x": 1}'],
      ['b', 'terminal', '{"x": 1}'],
    ]);
  });

  it('continues a call whose id and name are repeated in every piece', () => {
    const { calls } = gather(
      piece({ index: 0, id: 'a' }, 'terminal', '{"x"'),
      piece({ index: 0, id: 'a' }, 'terminal', ': {"y": '),
      piece({ index: 0, id: 'a' }, 'terminal', '{}}}'),
    );
    expect(calls).toEqual([['a', 'terminal', '{"x": {"y": {}}}']]);
  });

  it('continues the last call when a piece has no id, index and name', () => {
    const { calls } = gather(piece({ id: 'a' }, 'terminal', '{"x"'), piece({}, undefined, ': 1}'));
    expect(calls).toEqual([['a', 'terminal', '{"x": 1}']]);
  });

  it('emits the arguments before a late name once the name arrives', () => {
    const { calls, told } = gather(
      piece({ index: 0, id: 'a' }, undefined, '{"x"'),
      piece({ index: 0 }, 'terminal', ': 1}'),
    );
    expect(calls).toEqual([['a', 'terminal', '{"x": 1}']]);
    expect(told).toEqual(['terminal:{"x": 1}']);
  });

  it('creates missing ids and accepts arguments that are objects', () => {
    const [call] = gather({ function: { name: 'terminal', arguments: { x: 1 } } }).calls;
    expect(call).toEqual([expect.stringMatching(/^call_/) as string, 'terminal', '{"x":1}']);
  });

  it('ignores blank names and rejects calls without a name', () => {
    expect(gather(piece({ index: 0, id: 'a' }, ' ', '')).calls).toEqual([]);
    expect(() => gather(piece({ index: 0, id: 'a' }, undefined, '{}'))).toThrow('without a name');
  });

  it('takes linear time even if each piece may start a call', () => {
    const started = performance.now();
    const pieces = Array.from({ length: 20_000 }, () => piece({ index: 0 }, 'think', '[1,'.repeat(20)));
    expect(gather(...pieces).calls).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('rejects more calls than the limit', () => {
    const pieces = Array.from({ length: 513 }, (_, index) =>
      piece({ index, id: `c${index}` }, 'think', '{}'),
    );
    expect(gather(...pieces.slice(1)).calls).toHaveLength(512);
    expect(() => gather(...pieces)).toThrow('more than 512 tool calls');
  });
});
