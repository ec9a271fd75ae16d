import type { SnapshotBudget } from './stored/snapshot-budget.js';

/** Lines of a log read at a time: one line may be large. */
const CHUNK = 16;

/** One element of the stream: an event of the log, or a snapshot between two of them, which no log has. */
export interface StreamItem {
  line: string;
  durable: boolean;
}

type ReadLines = (fromSeq: number, limit: number) => Promise<string[]>;

/**
 * How far the events of one conversation are delivered, and what waits: numbers, and the snapshots between
 * events.
 */
export class LiveStream {
  /** Number of the next event to deliver. */
  cursor = 0;
  /** How many events are durable. */
  length = 0;
  /** Cursor and length are not known before the log was looked at. */
  isKnown = false;
  /** The cursor is on disk. */
  isOnDisk = false;
  /** What waits is sent without waiting for more. */
  flush = false;
  private snapshots: { anchor: number; line: string }[] = [];
  private firstAt: number | undefined;
  private bytes = 0;
  /** So many items had the attempt that failed: the next one has the same. */
  private attemptSize = 0;

  constructor(private readonly budget: SnapshotBudget) {}

  get eventsWaiting(): number {
    return this.length - this.cursor;
  }

  get waiting(): number {
    return this.eventsWaiting + this.snapshots.length;
  }

  startAt(cursor: number, length: number): void {
    this.cursor = Math.min(cursor, length);
    this.length = length;
    this.isKnown = true;
  }

  published(seq: number, size: number): void {
    this.length = Math.max(this.length, seq + 1);
    this.bytes += size;
    this.firstAt ??= performance.now();
  }

  /** A snapshot of the state as it is behind the last event. Older ones make room when there are too many. */
  addSnapshot(line: string): void {
    this.snapshots.push({ anchor: this.length, line });
    this.budget.used += line.length;
    this.firstAt ??= performance.now();
    while (this.budget.isExceeded(this.snapshots.length) && this.snapshots.length > this.attemptSize + 1) {
      const [dropped] = this.snapshots.splice(this.attemptSize, 1);
      this.budget.used -= dropped?.line.length ?? 0;
    }
  }

  /** When the next delivery is to be made. */
  dueAt(maxEvents: number, maxBytes: number, delayMs: number): number | undefined {
    if (!this.isKnown) return 0;
    if (this.waiting === 0) return undefined;
    if (this.flush || this.waiting >= maxEvents || this.bytes >= maxBytes) return 0;
    return (this.firstAt ?? 0) + delayMs;
  }

  /** The next items in order, not more than so many, nor than so many bytes unless the first is larger. */
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
    return items;
  }

  /** All that waits, in order; `limit` of events read ahead at a time. */
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

  /** An attempt with these items begins; should it fail, the next one has the same. */
  attempt(items: number): void {
    this.attemptSize = items;
  }

  /** These items, the first ones that waited, are delivered. */
  delivered(items: readonly StreamItem[]): void {
    this.attemptSize = 0;
    for (const { line, durable } of items) {
      if (durable) {
        this.cursor += 1;
        this.bytes = Math.max(0, this.bytes - line.length);
      } else {
        // It may have made room for others while the log was read: then it does not wait any more.
        const at = this.snapshots.findIndex((snapshot) => snapshot.line === line);
        if (at !== -1) this.budget.used -= this.snapshots.splice(at, 1)[0]?.line.length ?? 0;
      }
    }
    if (this.waiting > 0) return;
    this.firstAt = undefined;
    this.flush = false;
    this.bytes = 0;
  }

  /** Nothing of it is kept in memory any more. */
  clear(): void {
    for (const { line } of this.snapshots) this.budget.used -= line.length;
    this.snapshots = [];
  }
}
