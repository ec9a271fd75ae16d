/** Runs work for the same key in sequence, and exclusive work alone. */
export class KeyedQueue {
  private readonly last = new Map<string, Promise<unknown>>();
  private exclusive: Promise<unknown> = Promise.resolve();

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { exclusive: alone } = this;
    const turn = Promise.all([this.last.get(name), alone]).then(work);
    const done = turn.then(
      () => undefined,
      () => undefined,
    );
    this.last.set(name, done);
    void done.then(() => {
      if (this.last.get(name) === done) this.last.delete(name);
    });
    return turn;
  }

  /** Runs the work when its turn comes. @throws what the work throws */
  runAlone<T>(work: () => Promise<T>): Promise<T> {
    const turn = Promise.all([this.exclusive, ...this.last.values()]).then(work);
    this.exclusive = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }
}
