import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { withTimeout } from '../../../flow/index.js';
import { StorageFailedError } from '../../storage-errors.js';
import { unavailable } from './database-errors.js';

/** Time between two attempts to reach a database that is away: doubled from the first to the second (ms). */
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 250;
/** Callers wait for the end of an outage that is not older: most restarts and failovers are shorter (ms). */
const SHORT_MS = 1000;

/**
 * Whether the database answers. During an outage it is asked again and again by one caller only, so that many
 * waiting requests do not.
 */
export class Availability {
  private readonly logger = new Logger('Database');
  private readonly listeners = new Set<() => void>();
  /** Why the database is away, and since when (ms); undefined while it answers. */
  private outage: { cause: unknown; since: number } | undefined;
  private readonly waiting = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> | undefined;
  private isClosed = false;

  /** @param probe resolves if the database answers */
  constructor(private readonly probe: () => Promise<void>) {}

  get isAvailable(): boolean {
    return this.outage === undefined;
  }

  /** Calls `listener` each time the database answers again after an outage. Returns how to stop that. */
  onAvailable(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The database could not be reached. */
  lost(error: unknown): void {
    if (this.outage || this.isClosed) return;
    const cause = error instanceof StorageFailedError ? error.cause : error;
    this.outage = { cause, since: performance.now() };
    this.logger.error(
      `The database cannot be reached: ${errorMessage(cause)}. Trying again until it answers`,
    );
    this.retryAfter(FIRST_RETRY_MS);
  }

  /** A connection was lost: asks whether that is an outage. */
  suspect(): void {
    if (this.outage || this.isClosed) return;
    this.checking ??= this.probe()
      .catch((error: unknown) => this.lost(error))
      .finally(() => (this.checking = undefined));
  }

  /**
   * Resolves when the database answers; during a longer outage it throws at once.
   * @throws StorageFailedError if it is still away after `ms`
   */
  async waitShortly(ms: number): Promise<void> {
    if (this.outage) await this.wait(Math.min(ms, this.outage.since + SHORT_MS - performance.now()));
  }

  /** Resolves when the database answers. @throws StorageFailedError if it is still away after `ms` */
  async wait(ms: number): Promise<void> {
    if (!this.outage) return;
    if (ms <= 0) this.assertAvailable();
    let wake: () => void = () => undefined;
    const woken = new Promise<void>((resolve) => (wake = resolve));
    this.waiting.add(wake);
    try {
      await withTimeout(woken, ms, () => undefined);
    } finally {
      this.waiting.delete(wake);
    }
    this.assertAvailable();
  }

  /** Ends the attempts; who waits is told that the database is away. Idempotent. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.wakeAll();
    await this.checking;
  }

  /** The error is new for each caller, with its own stack. */
  private assertAvailable(): void {
    if (this.outage) throw unavailable(this.outage.cause);
  }

  private retryAfter(ms: number): void {
    this.timer = setTimeout(() => {
      this.checking = this.probe()
        .then(
          () => this.recovered(),
          () => {
            if (!this.isClosed) this.retryAfter(Math.min(2 * ms, MAX_RETRY_MS));
          },
        )
        .finally(() => (this.checking = undefined));
    }, ms);
    this.timer.unref();
  }

  private recovered(): void {
    if (!this.outage) return;
    const seconds = ((performance.now() - this.outage.since) / 1000).toFixed(1);
    this.outage = undefined;
    this.logger.log(`The database answers again after ${seconds} s`);
    this.wakeAll();
    for (const listener of [...this.listeners]) listener();
  }

  private wakeAll(): void {
    for (const wake of [...this.waiting]) wake();
  }
}
