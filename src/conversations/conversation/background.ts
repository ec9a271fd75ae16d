/** Work for a conversation that no run does: titles, audits, summaries. It ends with the conversation. */
export class Background {
  private readonly controller = new AbortController();
  private works: Set<Promise<unknown>> | undefined;

  /** Aborted when the conversation ends. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Something is going on. */
  get isBusy(): boolean {
    return this.works !== undefined && this.works.size > 0;
  }

  /** Keeps track of work until it ends; the answer is the work's own. */
  track<T>(work: Promise<T>): Promise<T> {
    const works = (this.works ??= new Set());
    const tracked = work.catch(() => undefined).finally(() => works.delete(tracked));
    works.add(tracked);
    return work;
  }

  /** Tells all work to end, and resolves when it has. */
  async end(): Promise<void> {
    this.controller.abort();
    await Promise.all([...(this.works ?? [])]);
  }
}
