/** Maximum total length of the pending snapshots of a webhook (UTF-16 units). */
const MAX_LENGTH = 8 * 1024 * 1024;
/** Maximum number of pending snapshots of one conversation. */
const MAX_PER_CONVERSATION = 32;

/** Limits the memory for snapshots while a receiver is down. */
export class SnapshotBudget {
  used = 0;

  /** @param count number of pending snapshots of one conversation */
  isExceeded(count: number): boolean {
    return this.used > MAX_LENGTH || count > MAX_PER_CONVERSATION;
  }
}
