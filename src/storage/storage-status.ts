/** Whether the storage can be used at the moment. */
export abstract class StorageStatus {
  /** False while it cannot be reached; it recovers by itself. */
  abstract readonly isAvailable: boolean;
}
