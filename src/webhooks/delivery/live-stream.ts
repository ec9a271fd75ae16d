import { eventTime } from './event-time.js';
import type { SnapshotBudget } from './snapshot-budget.js';

/** Lines of a log read at once: single lines may be large. */
const CHUNK = 16;

/** An event of the log, or a state snapshot between two events, which is not in the log. */
export interface StreamItem {
  line: string;
  durable: boolean;
}

type ReadLines = (fromSeq: number, limit: number) => Promise<string[]>;

/**
 * The delivery position of one conversation, and what is pending: a range of the log, and snapshots in
 * memory.
 */
export class LiveStream {
  /** Sequence number of the next event to deliver. */
  cursor = 0;
  /** Number of durable events. */
  length = 0;
  /** Whether cursor and length are known, that is, the log was opened. */
  isKnown = false;
  /** Whether the cursor is stored. */
  isStored = false;
  /** Since when the oldest pending item waits (ms since the epoch); undefined: nothing, or not known yet. */
  oldestAt: number | undefined;
  /** Incremented when the position is set: attempts from before it do not move the position. */
  epoch = 0;
  /** Deliver pending items without waiting for more. */
  flush = false;
  private snapshots: { anchor: number; line: string }[] = [];
  private firstAt: number | undefined;
  private bytes = 0;
  /** Number of items of the failed attempt: the next attempt has the same. */
  private attemptSize = 0;

  constructor(private readonly budget: SnapshotBudget) {}

  get eventsWaiting(): number {
    return this.length - this.cursor;
  }

  get waiting(): number {
    return this.eventsWaiting + this.snapshots.length;
  }

  startAt(cursor: number, length: number): void {
    const start = Math.min(cursor, length);
    if (this.isKnown && start !== this.cursor) {
      // Another server has delivered in the meantime.
      this.epoch += 1;
      this.attemptSize = 0;
    }
    this.cursor = start;
    this.length = length;
    this.isKnown = true;
  }

  published(seq: number, size: number): void {
    this.length = Math.max(this.length, seq + 1);
    this.bytes += size;
    this.begin();
  }

  /** Sets the position back: events from `seq` on are delivered again. A later position is not changed. */
  rewind(seq: number): void {
    if (seq >= this.cursor) return;
    this.cursor = seq;
    this.epoch += 1;
    this.attemptSize = 0;
    this.flush = true;
    this.begin();
  }

  /** Adds a snapshot after the last event. Drops older snapshots beyond the budget. */
  addSnapshot(line: string): void {
    this.snapshots.push({ anchor: this.length, line });
    this.budget.used += line.length;
    this.begin();
    while (this.budget.isExceeded(this.snapshots.length) && this.snapshots.length > this.attemptSize + 1) {
      const [dropped] = this.snapshots.splice(this.attemptSize, 1);
      this.budget.used -= dropped?.line.length ?? 0;
    }
  }

  /** The time of the next delivery (`performance.now()`); undefined if nothing is pending. */
  dueAt(maxEvents: number, maxBytes: number, delayMs: number): number | undefined {
    if (!this.isKnown) return 0;
    if (this.waiting === 0) return undefined;
    if (this.flush || this.waiting >= maxEvents || this.bytes >= maxBytes) return 0;
    return (this.firstAt ?? 0) + delayMs;
  }

  /** The next items in order, within both limits. The first item may exceed `maxBytes`. */
  async take(read: ReadLines, maxItems: number, maxBytes: number): Promise<StreamItem[]> {
    const limit = this.attemptSize > 0 ? Math.min(this.attemptSize, maxItems) : maxItems;
    const items: StreamItem[] = [];
    let bytes = 0;
    for await (const item of this.items(read, limit)) {
      bytes += Buffer.byteLength(item.line) + 1;
      if (items.length > 0 && bytes > maxBytes) break;
      items.push(item);
      if (items.length === limit) break;
    }
    this.oldestAt = oldestOf(items) ?? this.oldestAt;
    return items;
  }

  /** All pending items in order. Reads at most `limit` events ahead. */
  async *items(read: ReadLines, limit = CHUNK): AsyncGenerator<StreamItem> {
    const snapshots = [...this.snapshots];
    let seq = this.cursor;
    for (;;) {
      for (let next = snapshots[0]; next && next.anchor <= seq; next = snapshots[0]) {
        snapshots.shift();
        yield { line: next.line, durable: false };
      }
      const until = Math.min(this.length, snapshots[0]?.anchor ?? this.length, seq + Math.min(limit, CHUNK));
      if (seq >= until) return;
      const lines = await read(seq, until - seq);
      if (lines.length === 0) throw new Error(`event ${seq} cannot be read`);
      seq += lines.length;
      for (const line of lines) yield { line, durable: true };
    }
  }

  /** Records an attempt. If it fails, the next attempt has the same number of items. */
  attempt(items: number): void {
    this.attemptSize = items;
  }

  /**
   * Records that the first pending items were delivered.
   * @param epoch that of the attempt
   */
  delivered(items: readonly StreamItem[], epoch: number): void {
    this.attemptSize = 0;
    for (const { line, durable } of items) {
      if (durable) {
        if (epoch !== this.epoch) continue;
        this.cursor += 1;
        this.bytes = Math.max(0, this.bytes - line.length);
      } else {
        // The snapshot may have been dropped while the log was read.
        const at = this.snapshots.findIndex((snapshot) => snapshot.line === line);
        if (at !== -1) this.budget.used -= this.snapshots.splice(at, 1)[0]?.line.length ?? 0;
      }
    }
    if (this.waiting > 0) {
      // The next one is not older than the last delivered one; the next attempt knows its time.
      this.oldestAt = oldestOf(items.slice(-1)) ?? this.oldestAt;
      return;
    }
    this.firstAt = undefined;
    this.oldestAt = undefined;
    this.flush = false;
    this.bytes = 0;
  }

  /** Releases the snapshots. */
  clear(): void {
    for (const { line } of this.snapshots) this.budget.used -= line.length;
    this.snapshots = [];
  }

  private begin(): void {
    this.firstAt ??= performance.now();
    this.oldestAt ??= Date.now();
  }
}

function oldestOf(items: readonly StreamItem[]): number | undefined {
  const first = items.find(({ durable }) => durable);
  return first && eventTime(first.line);
}
