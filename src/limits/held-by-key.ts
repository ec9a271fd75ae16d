/** Counts what each key holds at the moment. */
export class HeldByKey {
  private readonly held = new Map<string, number>();

  count(keyId: string): number {
    return this.held.get(keyId) ?? 0;
  }

  /**
   * @param limit most at the same time; null: any number
   * @returns what gives it back, once; undefined if the key holds as many as it may
   */
  take(keyId: string, limit: number | null): (() => void) | undefined {
    const count = this.count(keyId);
    if (limit !== null && count >= limit) return undefined;
    this.held.set(keyId, count + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = this.count(keyId) - 1;
      if (left > 0) this.held.set(keyId, left);
      else this.held.delete(keyId);
    };
  }
}
