import { createHash } from 'node:crypto';
import type { ClosingConversation, OpeningConversation } from '../../events/index.js';
import { serialiseEvent } from '../../events/index.js';
import type { Delivery, Lane } from './channel.js';
import { SerialQueue } from '../../flow/index.js';
import type { PendingEntry, PendingTail, WebhookDeliveries } from '../../storage/index.js';
import { eventBody } from './event-body.js';
import { eventTime } from './event-time.js';
import type { BorrowedLog, EventSource, Unavailable } from '../event-source.js';
import { LiveStream, type StreamItem } from './live-stream.js';
import type { SnapshotBudget } from './snapshot-budget.js';
import type { WebhookTarget } from '../webhook-target.js';

/** Services that the lanes of a webhook share. */
export interface LaneServices {
  readonly target: WebhookTarget;
  readonly source: EventSource;
  readonly deliveries: WebhookDeliveries;
  readonly budget: SnapshotBudget;
  /** Called when the lane can be removed. */
  onEmpty(lane: EventLane): void;
  /** Called with the number of events of a deleted conversation that exceed the limit. */
  onDropped(conversationId: string, events: number): void;
}

/**
 * The pending events of one conversation for one receiver. Events are read from the log; the lane only keeps
 * the delivery position. Undelivered events of a deleted conversation with the same id come first.
 */
export class EventLane implements Lane {
  private readonly tails: PendingTail[] = [];
  /** When the next event of the first tail was made (ms since the epoch), as far as known. */
  private tailOldestAt: number | undefined;
  private live: LiveStream | undefined;
  private borrowed: BorrowedLog | undefined;
  /** How many borrowed logs are being opened. */
  private borrowing = 0;
  private isOpen = false;
  /** Incremented when the log is closed: a read that was interrupted by it is repeated. */
  private closeCount = 0;
  /** Writes of the position, one after the other, so that the last one has the last position. */
  private readonly positions = new SerialQueue();
  /** The tails of streams whose conversation was deleted during an attempt. */
  private readonly moved = new WeakMap<LiveStream, Promise<PendingTail | undefined>>();

  constructor(
    readonly conversationId: string,
    private readonly services: LaneServices,
  ) {}

  get waiting(): number {
    return this.tails.reduce((sum, tail) => sum + tail.waiting, this.live?.waiting ?? 0);
  }

  get hasWork(): boolean {
    return this.dueAt !== undefined;
  }

  get dueAt(): number | undefined {
    if (this.tails.length > 0) return 0;
    const { maxEvents, maxBytes, flushDelayMs } = this.services.target;
    return this.live?.dueAt(maxEvents, maxBytes, flushDelayMs);
  }

  get oldestAt(): number | undefined {
    return this.tailOldestAt ?? this.live?.oldestAt;
  }

  /** Number of delivered events; undefined until the log was opened. */
  get position(): number | undefined {
    return this.live?.isKnown ? this.live.cursor : undefined;
  }

  flush(): void {
    if (this.live && this.live.waiting > 0) this.live.flush = true;
  }

  /**
   * Sets the position back, so that events from one on are delivered again. The position is stored when this
   * resolves. An event that is still to be delivered changes nothing.
   * @param event its id, or its number
   * @returns why the log is not available, or that it has no such event
   */
  async rewind(event: string | number): Promise<Unavailable | 'unknown-event' | undefined> {
    const log = await this.openLog();
    if (log === 'gone' || log === 'elsewhere') return log;
    try {
      const seq = typeof event === 'string' ? await log.seqOf(event) : event;
      if (seq === undefined) return 'unknown-event';
      const live = (this.live ??= new LiveStream(this.services.budget));
      await this.locate(live, log);
      live.rewind(seq);
      live.isStored = true;
      await this.positions.run(() => this.services.deliveries.setPosition(this.conversationId, live.cursor));
      return undefined;
    } finally {
      log.release();
    }
  }

  /** A stored position was found at start: delivers the events after it. */
  resume(): void {
    if (this.live) return;
    this.live = new LiveStream(this.services.budget);
    this.live.flush = true;
    this.live.isStored = true;
  }

  addTail(tail: PendingTail): void {
    this.tails.push(tail);
  }

  /**
   * The log is about to be written: from now on a crash must not lose events.
   * @returns entries of the conversation that other servers had
   */
  async opening(opening: OpeningConversation): Promise<PendingEntry[]> {
    const live = (this.live ??= new LiveStream(this.services.budget));
    this.isOpen = true;
    // A conversation that is only opened to deliver pending events has not become active.
    const isActive = this.borrowing === 0;
    try {
      return await this.claim(live, opening.length);
    } finally {
      if (isActive) live.addSnapshot(serialiseEvent(opening.snapshot()));
    }
  }

  /**
   * Stores the position if that failed when the conversation was opened.
   * @returns entries of the conversation that other servers had
   */
  async secure(): Promise<PendingEntry[]> {
    const { live } = this;
    return live && this.isOpen && !live.isStored ? this.claim(live, live.length) : [];
  }

  published(seq: number, size: number): void {
    // Undefined if nobody was told that the conversation was opened.
    if (!this.live) {
      this.live = new LiveStream(this.services.budget);
      this.live.startAt(seq, seq);
    }
    this.live.published(seq, size);
  }

  snapshot(line: string): void {
    this.live?.addSnapshot(line);
  }

  async closing(closing: ClosingConversation): Promise<void> {
    const { live } = this;
    this.isOpen = false;
    this.closeCount += 1;
    // At shutdown the log was opened by this lane, so the lane must close it.
    this.release();
    if (!live) return;
    live.flush = true;
    if (!closing.owned) {
      this.dropLive();
      return this.services.deliveries.leave(this.conversationId);
    }
    if (closing.removed) return this.moveToTail(live, closing);
    if (live.eventsWaiting > 0) return this.services.deliveries.settle(this.conversationId);
    await this.services.deliveries.removePosition(this.conversationId);
    live.isStored = false;
  }

  async next(): Promise<Delivery | undefined> {
    const { target } = this.services;
    for (const tail of [...this.tails]) await tail.count();
    const [tail] = this.tails;
    if (tail) return this.nextFromTail(tail);
    const { live, closeCount } = this;
    if (!live) return undefined;
    if (!live.isKnown || live.eventsWaiting > 0) {
      if (!(await this.borrow(live))) return undefined;
      // Deleted in the meantime: pending events are in a tail now.
      if (this.live !== live) return this.next();
    }
    if (live.waiting === 0) return undefined;
    try {
      const items = await live.take(
        (from, limit) => this.borrowed?.read(from, limit) ?? Promise.resolve([]),
        target.maxEvents,
        target.maxBytes,
      );
      if (this.live !== live) return await this.next();
      return this.deliveryOf(live, items);
    } catch (error) {
      if (this.closeCount === closeCount) throw error;
      // The log was closed while it was read: open it again.
      this.release();
      return this.next();
    }
  }

  onIdle(): void {
    this.release();
    this.endIfEmpty();
  }

  /** Ends a lane that has nothing to deliver. An attempt that is under way keeps its log. */
  endIfEmpty(): void {
    const { live } = this;
    if (this.tails.length > 0 || this.isOpen) return;
    if (!live || (live.isKnown && live.waiting === 0 && !live.isStored)) this.services.onEmpty(this);
  }

  private async nextFromTail(tail: PendingTail): Promise<Delivery | undefined> {
    const { maxEvents, maxBytes } = this.services.target;
    const lines = await tail.peek(maxEvents, maxBytes);
    this.tailOldestAt = eventTime(lines[0] ?? '') ?? this.tailOldestAt;
    if (lines.length === 0) {
      await tail.remove();
      this.tails.shift();
      this.tailOldestAt = undefined;
      return this.next();
    }
    const { body, count } = eventBody(lines, maxBytes);
    return this.message(body, count, () => tail.advance(lines.slice(0, count)));
  }

  private deliveryOf(live: LiveStream, taken: readonly StreamItem[]): Delivery {
    const { body, count } = eventBody(
      taken.map(({ line }) => line),
      this.services.target.maxBytes,
    );
    const items = taken.slice(0, count);
    const { epoch } = live;
    live.attempt(count);
    return this.message(body, count, () => this.delivered(live, items, epoch));
  }

  private async delivered(live: LiveStream, items: readonly StreamItem[], epoch: number): Promise<void> {
    const moved = this.moved.get(live);
    if (moved) {
      const tail = await moved;
      if (tail) await skipDelivered(tail, items);
      return;
    }
    live.delivered(items, epoch);
    if (!live.isStored) return;
    await this.positions.run(() => this.services.deliveries.advance(this.conversationId, live.cursor));
    // The position is removed when the conversation is closed with all delivered, so it must be opened.
    if (!this.isOpen && live.waiting === 0) live.isKnown = false;
  }

  private message(body: string, events: number, delivered: () => Promise<void>): Delivery {
    const { target } = this.services;
    const { conversationId } = this;
    const digest = createHash('sha256').update(`${target.id} ${conversationId} `).update(body).digest('hex');
    const url = target.eventsUrl(conversationId);
    return { url, id: `msg_${digest.slice(0, 32)}`, conversationId, body, events, delivered };
  }

  /** Opens the log. Returns false if this server has nothing to deliver. */
  private async borrow(live: LiveStream): Promise<boolean> {
    if (!this.borrowed) {
      const log = await this.openLog();
      const { deliveries } = this.services;
      if (log === 'gone') await deliveries.removePosition(this.conversationId);
      if (log === 'elsewhere') await deliveries.leave(this.conversationId);
      if (log === 'gone' || log === 'elsewhere') {
        if (this.live === live) this.dropLive();
        return false;
      }
      this.borrowed = log;
    }
    await this.locate(live, this.borrowed);
    return true;
  }

  /** Makes position and length known. */
  private async locate(live: LiveStream, { length }: BorrowedLog): Promise<void> {
    if (live.isKnown) return;
    live.startAt((await this.services.deliveries.positionOf(this.conversationId)) ?? length, length);
  }

  /** Makes this server the one that delivers the conversation. If that fails it delivers from memory. */
  private async claim(live: LiveStream, length: number): Promise<PendingEntry[]> {
    const from = live.isKnown ? Math.min(live.cursor, length) : length;
    try {
      const { position, entries } = await this.services.deliveries.claim(this.conversationId, from);
      live.startAt(position, Math.max(length, live.length));
      live.isStored = true;
      return entries;
    } catch (error) {
      live.startAt(from, length);
      throw error;
    }
  }

  private async openLog(): Promise<BorrowedLog | Unavailable> {
    this.borrowing += 1;
    try {
      return await this.services.source.borrow(this.conversationId);
    } finally {
      this.borrowing -= 1;
    }
  }

  private release(): void {
    this.borrowed?.release();
    this.borrowed = undefined;
  }

  private dropLive(): void {
    this.live?.clear();
    this.live = undefined;
  }

  private async moveToTail(live: LiveStream, closing: ClosingConversation): Promise<void> {
    this.live = undefined;
    const { deliveries } = this.services;
    try {
      if (live.waiting > 0) {
        const moving = this.copyToTail(live, closing);
        this.moved.set(
          live,
          moving.catch(() => undefined),
        );
        this.tails.push(await moving);
      }
    } catch (error) {
      // If the conversation cannot be deleted either, its events are delivered from the log.
      await deliveries.leave(this.conversationId);
      throw error;
    } finally {
      live.clear();
    }
    await deliveries.removePosition(this.conversationId);
  }

  private async copyToTail(live: LiveStream, closing: ClosingConversation): Promise<PendingTail> {
    const { target } = this.services;
    const items = live.items((from, limit) => closing.read(from, limit));
    const total = live.waiting;
    let kept = 0;
    async function* lines(): AsyncGenerator<string> {
      let bytes = 0;
      for await (const { line } of items) {
        bytes += Buffer.byteLength(line) + 1;
        if (bytes > target.maxTailBytes) break;
        kept += 1;
        yield line;
      }
    }
    const tail = await this.services.deliveries.addTail(this.conversationId, lines());
    if (kept < total) this.services.onDropped(this.conversationId, total - kept);
    return tail;
  }
}

/**
 * Records items that were delivered by an attempt from before the tail was written. Snapshots among them may
 * have been dropped since and are then not in the tail.
 */
async function skipDelivered(tail: PendingTail, items: readonly StreamItem[]): Promise<void> {
  const rest = new Set(items.map(({ line }) => line));
  for (;;) {
    const [next] = await tail.peek(1, Infinity);
    if (next === undefined || !rest.delete(next)) return;
    await tail.advance([next]);
  }
}
