/** Most items of one statement. */
const MAX_ITEMS = 500;

interface Waiting<I, O> {
  item: I;
  resolve: (output: O) => void;
  reject: (error: unknown) => void;
}

/** Runs one statement for all items that were added while the one before ran: they share a commit. */
export class SharedStatement<I, O> {
  private waiting: Waiting<I, O>[] = [];
  private running: Promise<void> | undefined;

  /** @param statement answers each item in its place */
  constructor(private readonly statement: (items: readonly I[]) => Promise<readonly O[]>) {}

  /** Resolves with the answer for this item, when the statement that contains it is committed. */
  add(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.run().finally(() => (this.running = undefined));
    });
  }

  private async run(): Promise<void> {
    // Together with what is added in the same turn.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, MAX_ITEMS);
      try {
        const answers = await this.statement(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(answers[index] as O));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}
