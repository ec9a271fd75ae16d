/**
 * Runs an action for all who ask, one run at a time. Who asks during a run shares the next one, because the
 * current one may have begun before what they want done.
 */
export class SharedRun {
  private current: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(private readonly action: () => Promise<void>) {}

  /** The run that waits, or else the one in progress. */
  get last(): Promise<void> | undefined {
    return this.next ?? this.current;
  }

  /** Resolves and rejects with a run that begins after this call. */
  run(): Promise<void> {
    if (this.next) return this.next;
    if (!this.current) return this.start();
    this.next = this.current
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.start();
      });
    return this.next;
  }

  private start(): Promise<void> {
    this.current = this.action().finally(() => (this.current = undefined));
    return this.current;
  }
}
