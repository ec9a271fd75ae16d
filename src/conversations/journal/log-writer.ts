import { serialiseEvent, type DurableEvent, type EventBus } from '../../events/index.js';
import { apartFromSpans, traced, type Attributes } from '../../telemetry/index.js';
import type { EventLog, LeaseFence, LogRecord } from '../../storage/index.js';

/** An event and its serialised form. */
interface LogEntry {
  event: DurableEvent;
  record: LogRecord;
}

/**
 * Appends to the log of one conversation: serialises each event once, appends in order and publishes when an
 * event is durable. After a failed append all later ones are rejected, because the state in memory may be
 * ahead of the log.
 */
export class LogWriter {
  private next: number;
  private published: number;
  private tail: Promise<void> = Promise.resolve();
  /** First append error; later appends are rejected with it. */
  private broken: Error | undefined;
  /** What `settled` answers: as `tail`, but rejected as soon as the log accepts no more. */
  private outcome: Promise<void> = Promise.resolve();
  /** Reject the outcomes of appends that are not durable yet. */
  private readonly waiting = new Set<(reason: Error) => void>();

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

  /** How many events were passed to `write`, durable or not. */
  get submitted(): number {
    return this.next;
  }

  /** @throws the first append error */
  assertWritable(): void {
    if (this.broken) throw this.broken;
  }

  /** Rejects all later appends with this error. */
  fail(reason: Error): void {
    if (this.broken) return;
    this.broken = reason;
    // An append that was sent may take as long as the storage is away.
    for (const reject of this.waiting) reject(reason);
    this.onBroken(reason);
  }

  /**
   * Resolves when all events so far are durable and published. Rejects as soon as the log accepts no more.
   * Callers continue before those of `write`, which change the state again: so what they read is durable.
   */
  settled(): Promise<void> {
    return this.broken ? Promise.reject(this.broken) : this.outcome;
  }

  /** Appends and publishes; resolves when both are done. */
  write(events: readonly DurableEvent[]): Promise<void> {
    if (this.broken) return Promise.reject(this.broken);
    if (events.length === 0) return this.tail;
    const from = this.next;
    const entries = events.map((event) => ({ event, record: toRecord(event) }));
    this.next += events.length;
    const records = entries.map(({ record }) => record);
    const durable = traced(
      'append',
      () => ({ onlyWithin: true, attributes: appendAttributes(records) }),
      () => this.log.append(from, this.fence, records),
    );
    const before = this.tail;
    const settle = this.expect();
    this.tail = durable
      .then(() => before)
      .then(() => {
        apartFromSpans(() => this.publish(from, entries));
        settle();
      })
      .catch((error: unknown) => this.break(error));
    // The caller gets the failure. The chain itself must not count as an unhandled rejection.
    this.tail.catch(() => undefined);
    return this.tail;
  }

  /** Sets the outcome to that of the next append. Returns what resolves it. */
  private expect(): () => void {
    let settle: () => void = () => undefined;
    this.outcome = new Promise((resolve, reject) => {
      this.waiting.add(reject);
      settle = () => {
        this.waiting.delete(reject);
        resolve();
      };
    });
    this.outcome.catch(() => undefined);
    return settle;
  }

  private publish(from: number, entries: readonly LogEntry[]): void {
    for (const [index, { event, record }] of entries.entries()) {
      const { line, bytes } = record;
      // Before publishing: a subscriber that reads the log then finds the event.
      this.published = from + index + 1;
      this.bus.publish({ conversationId: this.conversationId, event, line, bytes, seq: from + index });
    }
  }

  private break(error: unknown): never {
    const failure = error instanceof Error ? error : new Error(String(error));
    this.fail(failure);
    throw failure;
  }
}

function appendAttributes(records: readonly LogRecord[]): Attributes {
  return {
    'db.operation.name': 'append',
    'db.operation.batch.size': records.length,
    'openhands.storage.characters': records.reduce((sum, { line }) => sum + line.length, 0),
    'openhands.event_kinds': [...new Set(records.map(({ kind }) => kind))],
  };
}

/** An event as the log keeps it. */
export function toRecord(event: DurableEvent): LogRecord {
  const { id, kind, source, timestamp } = event;
  return { id, kind, source, timestamp, line: serialiseEvent(event) };
}
