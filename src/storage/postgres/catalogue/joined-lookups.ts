interface Waiting<T> {
  resolve: (found: T | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * Joins the look-ups of one turn of the event loop: a page of a list asks for each of its conversations by
 * itself, and a statement for each would take twenty times as long.
 */
export class JoinedLookups<T> {
  private waiting = new Map<string, Waiting<T>[]>();

  /** @param find what there is for some ids, by id */
  constructor(private readonly find: (ids: string[]) => Promise<ReadonlyMap<string, T>>) {}

  /** What there is for an id, read after this call. */
  of(id: string): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      if (this.waiting.size === 0) setImmediate(() => void this.run());
      const same = this.waiting.get(id);
      if (same) same.push({ resolve, reject });
      else this.waiting.set(id, [{ resolve, reject }]);
    });
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const batch = this.waiting;
    this.waiting = new Map();
    try {
      const found = await this.find([...batch.keys()]);
      for (const [id, callers] of batch) for (const { resolve } of callers) resolve(found.get(id));
    } catch (error) {
      for (const callers of batch.values()) for (const { reject } of callers) reject(error);
    }
  }
}
