import type { BranchNode, BranchTree } from '../insight-api.js';

/** A node of the tree as a row of a list. */
export interface BranchRow {
  node: BranchNode;
  /** How many branches it is away from the first one. */
  depth: number;
  /** Its number among the ways that go on from its parent, and how many they are. */
  position: number;
  siblings: number;
  hasChildren: boolean;
}

/** The rows of a tree: each way to its end, the active one first. */
export function branchRows({ nodes }: Pick<BranchTree, 'nodes'>): BranchRow[] {
  const children = new Map<string | null, BranchNode[]>();
  for (const node of nodes) {
    if (node.kind === 'root') continue;
    const list = children.get(node.parent_event_id) ?? [];
    list.push(node);
    children.set(node.parent_event_id, list);
  }
  const rows: BranchRow[] = [];
  const root = nodes.find(({ kind }) => kind === 'root');
  // Without recursion: a tree may be a chain of hundreds of nodes.
  const open: Omit<BranchRow, 'hasChildren'>[] = root
    ? [{ node: root, depth: 0, position: 1, siblings: 1 }]
    : [];
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    const { node, depth } = row;
    const next = activeFirst(children.get(node.event_id) ?? []);
    rows.push({ ...row, hasChildren: next.length > 0 });
    const deeper = next.length > 1 ? depth + 1 : depth;
    const further = next.map((child, index) => ({
      node: child,
      depth: deeper,
      position: index + 1,
      siblings: next.length,
    }));
    open.push(...further.toReversed());
  }
  return rows;
}

/** How many branches end in the tree. */
export function leafCount({ nodes }: Pick<BranchTree, 'nodes'>): number {
  return nodes.filter(({ kind }) => kind === 'leaf').length;
}

function activeFirst(nodes: readonly BranchNode[]): BranchNode[] {
  return [...nodes.filter(({ active }) => active), ...nodes.filter(({ active }) => !active)];
}
