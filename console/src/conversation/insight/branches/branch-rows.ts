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
  /** The depth of its parent; undefined for the root. */
  parentDepth: number | undefined;
  /** Depths at which a line passes by, to a way further below. */
  guides: number[];
}

/** A row that is not in its place yet. */
interface OpenRow extends Pick<BranchRow, 'node' | 'depth' | 'position' | 'siblings'> {
  /** The index of the row of its parent. */
  parent: number | undefined;
}

/** The rows of a tree: each way to its end, the active one first. */
export function branchRows({ nodes }: Pick<BranchTree, 'nodes'>): BranchRow[] {
  const children = childrenOf(nodes);
  const rows: BranchRow[] = [];
  const root = nodes.find(({ kind }) => kind === 'root');
  // Without recursion: a tree may be a chain of hundreds of nodes.
  const open: OpenRow[] = [];
  if (root) open.push({ node: root, depth: 0, position: 1, siblings: 1, parent: undefined });
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    const { parent, ...place } = row;
    const next = activeFirst(children.get(place.node.event_id) ?? []);
    const parentDepth = parent === undefined ? undefined : rows[parent]?.depth;
    if (parent !== undefined && parentDepth !== undefined)
      for (const between of rows.slice(parent + 1)) between.guides.push(parentDepth);
    const index = rows.push({ ...place, parentDepth, guides: [], hasChildren: next.length > 0 }) - 1;
    const depth = next.length > 1 ? place.depth + 1 : place.depth;
    const further = next.map((node, order) => ({
      node,
      depth,
      position: order + 1,
      siblings: next.length,
      parent: index,
    }));
    open.push(...further.toReversed());
  }
  return rows;
}

function childrenOf(nodes: readonly BranchNode[]): Map<string | null, BranchNode[]> {
  const children = new Map<string | null, BranchNode[]>();
  for (const node of nodes) {
    if (node.kind === 'root') continue;
    const list = children.get(node.parent_event_id) ?? [];
    list.push(node);
    children.set(node.parent_event_id, list);
  }
  return children;
}

/** How many branches end in the tree. */
export function leafCount({ nodes }: Pick<BranchTree, 'nodes'>): number {
  return nodes.filter(({ kind }) => kind === 'leaf').length;
}

function activeFirst(nodes: readonly BranchNode[]): BranchNode[] {
  return [...nodes.filter(({ active }) => active), ...nodes.filter(({ active }) => !active)];
}
