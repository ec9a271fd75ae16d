/** How often it is tried to tell a log what happened to its run (ms). */
const RETRY_MS = 5_000;

/**
 * Runs that ended because the storage took nothing more (a full disk), until their logs could be told. Tries
 * that again and again, so that nobody has to ask for a conversation to learn that it does not run any more.
 */
export class LostRuns {
  private readonly reasons = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    /** Opens a conversation, which tells its log; rejects while the storage still takes nothing. */
    private readonly tell: (id: string) => Promise<void>,
  ) {}

  add(id: string, reason: string): void {
    this.reasons.set(id, reason);
    this.timer ??= setInterval(() => void this.tellAll(), RETRY_MS).unref();
  }

  /** Why the run of this conversation ended; undefined when its log knows, or there was none. */
  reasonOf(id: string): string | undefined {
    return this.reasons.get(id);
  }

  /** The log knows, or there is no log any more. */
  delete(id: string): void {
    this.reasons.delete(id);
    if (this.reasons.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async tellAll(): Promise<void> {
    // One after another; what fails is tried again at the next turn, and was reported when it failed first.
    for (const id of [...this.reasons.keys()]) await this.tell(id).catch(() => undefined);
  }
}
