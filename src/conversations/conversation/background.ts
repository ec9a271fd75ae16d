import { settlesWithin } from '../../flow/index.js';

/** How long the end waits for tasks that were aborted (ms): one may wait for a storage that is away. */
const END_LIMIT_MS = 5_000;

/** Work outside of runs: titles, audits, summaries. It is aborted when the conversation closes. */
export class Background {
  private readonly controller = new AbortController();
  private tasks: Set<Promise<unknown>> | undefined;

  /** Aborted when the conversation closes. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isBusy(): boolean {
    return this.tasks !== undefined && this.tasks.size > 0;
  }

  /** Tracks a task until it settles. Returns the task's own promise. */
  track<T>(task: Promise<T>): Promise<T> {
    const tasks = (this.tasks ??= new Set());
    const tracked = task.catch(() => undefined).finally(() => tasks.delete(tracked));
    tasks.add(tracked);
    return task;
  }

  /** Aborts all tasks; resolves when they have settled, or after a few seconds. */
  async end(): Promise<void> {
    this.controller.abort();
    await settlesWithin(Promise.all([...(this.tasks ?? [])]), END_LIMIT_MS);
  }
}
