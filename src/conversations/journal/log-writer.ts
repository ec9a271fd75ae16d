import { serialiseEvent, type DurableEvent, type EventBus } from '../../events/index.js';
import type { EventLog, LeaseFence, LogRecord } from '../../storage/index.js';

/**
 * The way into the log of one conversation: events are serialised once, appended in order, and published when
 * they are durable. After a failed append nothing more is taken: what is in memory may be ahead of what is on
 * disk.
 */
export class LogWriter {
  private next: number;
  private published: number;
  private tail: Promise<void> = Promise.resolve();
  /** Why the log takes nothing more: the first failure, which every later append repeats. */
  private broken: Error | undefined;

  constructor(
    private readonly conversationId: string,
    private readonly log: EventLog,
    private readonly fence: LeaseFence,
    private readonly bus: EventBus,
    private readonly onBroken: (error: Error) => void,
  ) {
    this.next = log.length;
    this.published = log.length;
  }

  /** How many events are durable and published. */
  get length(): number {
    return this.published;
  }

  /** How many events were handed in, durable or not. */
  get handedIn(): number {
    return this.next;
  }

  /** @throws the first failure, once the log takes nothing more */
  assertWorking(): void {
    if (this.broken) throw this.broken;
  }

  /** Takes nothing more, for a reason that no append has met. */
  end(reason: Error): void {
    if (this.broken) return;
    this.broken = reason;
    this.onBroken(reason);
  }

  /** Resolves when all that was handed in so far is durable and published. */
  settled(): Promise<void> {
    return this.tail;
  }

  /** Appends and publishes; resolves when both are done. */
  write(events: readonly DurableEvent[]): Promise<void> {
    if (this.broken) return Promise.reject(this.broken);
    if (events.length === 0) return this.tail;
    const from = this.next;
    const records = events.map(toRecord);
    this.next += events.length;
    const durable = this.log.append(from, this.fence, records);
    const before = this.tail;
    this.tail = durable
      .then(() => before)
      .then(() => this.publish(from, events, records))
      .catch((error: unknown) => this.break(error));
    // Whoever awaits the answer sees the failure; the chain itself must not count as unhandled.
    this.tail.catch(() => undefined);
    return this.tail;
  }

  private publish(from: number, events: readonly DurableEvent[], records: readonly LogRecord[]): void {
    for (const [index, event] of events.entries()) {
      const { line, bytes } = records[index] ?? toRecord(event);
      // The count first: a subscriber that reads the log while it is told of an event finds it there.
      this.published = from + index + 1;
      this.bus.publish({ conversationId: this.conversationId, event, line, bytes, seq: from + index });
    }
  }

  private break(error: unknown): never {
    const failure = error instanceof Error ? error : new Error(String(error));
    this.end(failure);
    throw failure;
  }
}

/** An event as the log keeps it. */
export function toRecord(event: DurableEvent): LogRecord {
  const { id, kind, source, timestamp } = event;
  return { id, kind, source, timestamp, line: serialiseEvent(event) };
}
