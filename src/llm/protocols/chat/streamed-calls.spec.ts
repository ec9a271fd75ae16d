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
  it('puts pieces together by their index, in the order of the indexes', () => {
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
  ])('tells whole calls apart when %s', (_what, ids) => {
    const { calls } = gather(...ids.map((id) => piece(id, 'terminal', '{"x": 1}')));
    expect(calls).toEqual([
      ['a', 'terminal', '{"x": 1}'],
      ['b', 'terminal', '{"x": 1}'],
    ]);
  });

  it('goes on with a call whose id and name come with every piece', () => {
    const { calls } = gather(
      piece({ index: 0, id: 'a' }, 'terminal', '{"x"'),
      piece({ index: 0, id: 'a' }, 'terminal', ': {"y": '),
      piece({ index: 0, id: 'a' }, 'terminal', '{}}}'),
    );
    expect(calls).toEqual([['a', 'terminal', '{"x": {"y": {}}}']]);
  });

  it('goes on with the last call when nothing tells them apart', () => {
    const { calls } = gather(piece({ id: 'a' }, 'terminal', '{"x"'), piece({}, undefined, ': 1}'));
    expect(calls).toEqual([['a', 'terminal', '{"x": 1}']]);
  });

  it('waits for a name that comes later, and tells then what came before it', () => {
    const { calls, told } = gather(
      piece({ index: 0, id: 'a' }, undefined, '{"x"'),
      piece({ index: 0 }, 'terminal', ': 1}'),
    );
    expect(calls).toEqual([['a', 'terminal', '{"x": 1}']]);
    expect(told).toEqual(['terminal:{"x": 1}']);
  });

  it('makes an id where there is none, and takes arguments that are no text', () => {
    const [call] = gather({ function: { name: 'terminal', arguments: { x: 1 } } }).calls;
    expect(call).toEqual([expect.stringMatching(/^call_/) as string, 'terminal', '{"x":1}']);
  });

  it('passes over a name that is blank, and refuses a call without one', () => {
    expect(gather(piece({ index: 0, id: 'a' }, ' ', '')).calls).toEqual([]);
    expect(() => gather(piece({ index: 0, id: 'a' }, undefined, '{}'))).toThrow('without a name');
  });

  it('takes time that grows with the pieces, also where each of them may begin a call', () => {
    const started = performance.now();
    const pieces = Array.from({ length: 20_000 }, () => piece({ index: 0 }, 'think', '[1,'.repeat(20)));
    expect(gather(...pieces).calls).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('refuses more calls than any model asks for', () => {
    const pieces = Array.from({ length: 513 }, (_, index) =>
      piece({ index, id: `c${index}` }, 'think', '{}'),
    );
    expect(gather(...pieces.slice(1)).calls).toHaveLength(512);
    expect(() => gather(...pieces)).toThrow('more than 512 tool calls');
  });
});
