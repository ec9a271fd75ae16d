import type { BranchNode } from '../insight-api.js';
import { branchRows, leafCount } from './branch-rows.js';

const node = (id: string | null, parent: string | null, more: Partial<BranchNode> = {}): BranchNode => ({
  event_id: id,
  parent_event_id: parent,
  kind: id === null ? 'root' : 'leaf',
  label: '',
  first_event_id: null,
  first_label: '',
  events: 1,
  timestamp: null,
  active: false,
  is_head: false,
  ...more,
});

describe('branchRows', () => {
  it('puts the active way first, indents where ways part, and draws lines past what is between', () => {
    const nodes = [
      node(null, null),
      node('a', null, { kind: 'fork' }),
      node('b', 'a', { kind: 'fork' }),
      node('c', 'b'),
      node('d', 'b'),
      node('e', 'a', { active: true }),
    ];
    const rows = branchRows({ nodes });
    expect(rows.map((row) => [row.node.event_id, row.depth, row.position, row.siblings])).toEqual([
      [null, 0, 1, 1],
      ['a', 0, 1, 1],
      ['e', 1, 1, 2],
      ['b', 1, 2, 2],
      ['c', 2, 1, 2],
      ['d', 2, 2, 2],
    ]);
    expect(rows.map(({ guides }) => guides)).toEqual([[], [], [0], [], [1], []]);
    expect(leafCount({ nodes })).toBe(3);
  });

  it('shows a chain of hundreds of nodes, and nothing for no tree', () => {
    const chain = Array.from({ length: 600 }, (_, index) =>
      node(`n${index}`, index === 0 ? null : `n${index - 1}`),
    );
    const rows = branchRows({ nodes: [node(null, null), ...chain] });
    expect(rows).toHaveLength(601);
    expect(rows.at(-1)).toMatchObject({ depth: 0, hasChildren: false });
    expect(branchRows({ nodes: [] })).toEqual([]);
  });
});
