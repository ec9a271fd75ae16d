/** Snapshots of all conversations of a webhook that wait in memory (UTF-16 units). */
const MAX_LENGTH = 8 * 1024 * 1024;
/** Snapshots of one conversation that wait. */
const MAX_PER_CONVERSATION = 32;

/** Bounds what snapshots take in memory while a receiver is down. */
export class SnapshotBudget {
  used = 0;

  /** @param ofOne how many of one conversation wait */
  isExceeded(ofOne: number): boolean {
    return this.used > MAX_LENGTH || ofOne > MAX_PER_CONVERSATION;
  }
}
