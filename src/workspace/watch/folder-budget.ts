/** Counts the folders that all trees of the server watch together. */
export class FolderBudget {
  private taken = 0;

  constructor(private readonly limit: number) {}

  /** How many are watched. */
  get size(): number {
    return this.taken;
  }

  get hasRoom(): boolean {
    return this.taken < this.limit;
  }

  /** Counts one more; false if there are as many as there may be. */
  take(): boolean {
    if (!this.hasRoom) return false;
    this.taken += 1;
    return true;
  }

  release(): void {
    this.taken -= 1;
  }
}
