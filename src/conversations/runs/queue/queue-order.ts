import type { QueuedRun } from './queued-run.js';

/**
 * What a point of priority is worth (ms): with each, a run starts before those of its key that have waited so
 * much longer. So no run waits for others of its key that came more than 33 hours later.
 */
export const PRIORITY_POINT_MS = 10 * 60_000;

/** A negative number if `a` starts before `b` of the same key. */
export function compareUrgency(a: QueuedRun, b: QueuedRun): number {
  const difference = dueAt(a) - dueAt(b);
  if (difference !== 0) return difference;
  if (a.priority !== b.priority) return b.priority - a.priority;
  return a.conversation_id < b.conversation_id ? -1 : Number(a.conversation_id > b.conversation_id);
}

function dueAt({ queued_at, priority }: QueuedRun): number {
  return Date.parse(queued_at) - priority * PRIORITY_POINT_MS;
}

/**
 * Runs in the order in which they start. Keys take turns: the run of a key that has fewer runs, active ones
 * and those before it, comes first; then the more urgent one. The cost of all but `first` grows with the
 * number of keys, not with that of runs.
 */
export class QueueOrder<T extends QueuedRun> {
  /** The runs of each key, the most urgent one first. */
  private readonly lanes = new Map<string | null, T[]>();

  /** @param activeOf how many runs of a key are active */
  constructor(private readonly activeOf: (owner: string | null) => number) {}

  /** How many runs of a key wait. */
  countOf(owner: string | null): number {
    return this.lanes.get(owner)?.length ?? 0;
  }

  /** What a run is ordered by must not change until it is deleted. */
  add(run: T): void {
    const lane = this.lanes.get(run.owner_key) ?? [];
    this.lanes.set(run.owner_key, lane);
    lane.splice(indexOf(lane, run), 0, run);
  }

  delete(run: T): void {
    const lane = this.lanes.get(run.owner_key);
    if (!lane) return;
    const index = indexOf(lane, run);
    if (lane[index] !== run) return;
    lane.splice(index, 1);
    if (lane.length === 0) this.lanes.delete(run.owner_key);
  }

  /**
   * The run that starts next of those that may start.
   * @param isFull whether a key may start no run now
   */
  next(isFull: (owner: string | null) => boolean, mayStart: (run: T) => boolean): T | undefined {
    let best: { run: T; turn: number } | undefined;
    for (const [owner, lane] of this.lanes) {
      if (isFull(owner)) continue;
      const run = lane.find(mayStart);
      const turn = this.activeOf(owner);
      if (run && (!best || isBefore({ run, turn }, best))) best = { run, turn };
    }
    return best?.run;
  }

  /** How many runs start before this one. */
  before(run: T): number {
    const rank = indexOf(this.lanes.get(run.owner_key) ?? [], run);
    const turn = this.activeOf(run.owner_key) + rank;
    let count = 0;
    for (const [owner, lane] of this.lanes) {
      const ahead = Math.min(lane.length, Math.max(0, turn - this.activeOf(owner)));
      const rival = lane[ahead];
      const isRivalFirst =
        rival !== undefined &&
        this.activeOf(owner) + ahead === turn &&
        isBefore({ run: rival, turn }, { run, turn });
      count += ahead + (isRivalFirst ? 1 : 0);
    }
    return count;
  }

  /** The first runs in their order. */
  first(count = Infinity): T[] {
    return [...this.lanes]
      .flatMap(([owner, lane]) =>
        lane.slice(0, count).map((run, index) => ({ run, turn: this.activeOf(owner) + index })),
      )
      .sort((a, b) => (isBefore(a, b) ? -1 : 1))
      .slice(0, count)
      .map(({ run }) => run);
  }
}

interface Turn {
  run: QueuedRun;
  /** How many runs its key has, active ones and those before it. */
  turn: number;
}

function isBefore(a: Turn, b: Turn): boolean {
  return a.turn === b.turn ? compareUrgency(a.run, b.run) < 0 : a.turn < b.turn;
}

/** The index of a run in a sorted lane, or that at which it belongs. */
function indexOf(lane: readonly QueuedRun[], run: QueuedRun): number {
  let from = 0;
  let to = lane.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const other = lane[middle];
    if (other && compareUrgency(other, run) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
