/** Counts the events of the tree from one position to before another one. */
export type CountInTree = (from: number, to: number) => Promise<number>;

/** Events of a branch that follow each other in the log without a navigation in between. */
export interface Segment {
  start: number;
  end: number;
  /** Seq of the event before its first one; -1 for a root. */
  parent: number;
}

const MARK_DISTANCE = 256;

/** Positions of the log from `start` to `end`, both included. */
export interface LogSpan {
  start: number;
  end: number;
}

/**
 * The tree of the events of a log. Branches are rare and long: instead of a parent for each event it keeps
 * the segments, each of which begins where a client has navigated.
 */
export class BranchSegments {
  readonly segments: Segment[] = [];
  /** The positions of every 256th event of the tree, so that events can be counted without all of them. */
  private readonly marks: number[] = [];
  private count = 0;
  private last = -1;

  /** Adds an event of the tree. @param parent seq of its parent, -1 for a root, undefined if unknown */
  add(seq: number, parent: number | undefined): void {
    // As for the agent: an event whose parent is lost follows the event before it.
    const before = parent !== undefined && parent < seq ? parent : this.last;
    const current = this.segments.at(-1);
    if (current && before === this.last) current.end = seq;
    else this.segments.push({ start: seq, end: seq, parent: before });
    if (this.count % MARK_DISTANCE === 0) this.marks.push(seq);
    this.count += 1;
    this.last = seq;
  }

  /** How many events of the tree are at or before a position. */
  async rankOf(seq: number, countInTree: CountInTree): Promise<number> {
    const found = indexBelow(this.marks, seq, (mark) => mark);
    const mark = this.marks[found];
    if (mark === undefined) return 0;
    const rank = found * MARK_DISTANCE + 1;
    return mark === seq ? rank : rank + (await countInTree(mark + 1, seq + 1));
  }

  /** Seq of the last event of the tree; -1 if there is none. */
  get lastSeq(): number {
    return this.last;
  }

  /** The number of the segment of an event; -1 before the first one. */
  indexOf(seq: number): number {
    return indexBelow(this.segments, seq, ({ start }) => start);
  }

  /**
   * The parts of the log from a root to the head, last first. Events that are not of the tree, such as
   * changes of the status, count with those before them.
   */
  pathTo(head: number): LogSpan[] {
    const path: LogSpan[] = [];
    for (let seq = head; seq >= 0;) {
      const index = this.indexOf(seq);
      const segment = this.segments[index];
      if (!segment) break;
      const next = this.segments[index + 1]?.start ?? Number.POSITIVE_INFINITY;
      path.push({ start: segment.start, end: seq >= segment.end ? next - 1 : seq });
      seq = segment.parent;
    }
    return path;
  }
}

/** Whether a position is in one of the parts. @param path last first, as `pathTo` returns it */
export function isOnPath(path: readonly LogSpan[], seq: number): boolean {
  let [low, high] = [0, path.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((path[middle]?.start ?? 0) > seq) low = middle + 1;
    else high = middle;
  }
  const part = path[low];
  return part !== undefined && seq >= part.start && seq <= part.end;
}

/** The index of the last item whose key is at most the given one; -1 if there is none. Keys are ascending. */
function indexBelow<T>(items: readonly T[], key: number, keyOf: (item: T) => number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
