import { LeaseHeldError } from '../../storage/index.js';

const RETRY_MS = 5_000;

/**
 * Runs that a failure of the storage (a full disk) interrupted, until that is recorded in their logs. Retries
 * every few seconds, so that the record does not depend on somebody opening the conversation.
 */
export class UnrecordedRuns {
  private readonly reasons = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    /** Opens a conversation, which writes the record. Rejects while the storage still fails. */
    private readonly record: (id: string) => Promise<void>,
  ) {}

  add(id: string, reason: string): void {
    this.reasons.set(id, reason);
    this.timer ??= setInterval(() => void this.recordAll(), RETRY_MS).unref();
  }

  /** Why the run of this conversation ended; undefined unless its record is missing. */
  reasonOf(id: string): string | undefined {
    return this.reasons.get(id);
  }

  /** The record is written, or the conversation is deleted. */
  delete(id: string): void {
    this.reasons.delete(id);
    if (this.reasons.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async recordAll(): Promise<void> {
    // One after another. Failures are retried with the next interval; the first one was logged.
    for (const id of [...this.reasons.keys()]) {
      await this.record(id).catch((error: unknown) => {
        // Another server has taken it over, and has recorded the run.
        if (error instanceof LeaseHeldError) this.delete(id);
      });
    }
  }
}
