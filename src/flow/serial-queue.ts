/**
 * Runs async tasks one after another, in the order in which they were added. A task that fails does not stop
 * those after it.
 */
export class SerialQueue {
  private last: Promise<void> | undefined;

  /** No task is running or waiting. */
  get isIdle(): boolean {
    return this.last === undefined;
  }

  /** Runs a task after all that were added before. Resolves and rejects with it. */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    const result = (this.last ?? Promise.resolve()).then(task);
    const settled = result.then(ignore, ignore).then(() => {
      if (this.last === settled) this.last = undefined;
    });
    this.last = settled;
    return result;
  }

  /** Resolves when all tasks that were added so far have ended. Never rejects. */
  async settled(): Promise<void> {
    await this.last;
  }
}

/** A serial queue for each key. */
export class KeyedSerialQueue {
  private readonly queues = new Map<string, SerialQueue>();
  private readonly exclusive = new SerialQueue();

  /** Whether a task of this key is running or waiting. */
  has(key: string): boolean {
    return this.queues.has(key);
  }

  /** Runs a task after all of the same key that were added before. Resolves and rejects with it. */
  async run<T>(key: string, task: () => T | Promise<T>): Promise<T> {
    const queue = this.queues.get(key) ?? new SerialQueue();
    this.queues.set(key, queue);
    const exclusive = this.exclusive.settled();
    try {
      return await queue.run(() => exclusive.then(task));
    } finally {
      void queue.settled().then(() => {
        if (queue.isIdle && this.queues.get(key) === queue) this.queues.delete(key);
      });
    }
  }

  /** Runs a task after all that were added before, of any key; those added later wait for it. */
  async runExclusively<T>(task: () => T | Promise<T>): Promise<T> {
    const before = Promise.all([...this.queues.values()].map((queue) => queue.settled()));
    return this.exclusive.run(() => before.then(task));
  }
}

function ignore(): void {
  // Whoever added the task has its result.
}
