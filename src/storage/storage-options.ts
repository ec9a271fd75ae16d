import type { BashHistoryLimits } from './bash-history.js';

/** Storage settings. The class is their injection token. */
export abstract class StorageOptions {
  /** Absolute path of the folder that contains a folder for each conversation. */
  abstract readonly conversationsPath: string;
  /** Seconds after which a lease that is not renewed expires; 0 disables leases. */
  abstract readonly leaseTtlSeconds: number;
}

/** Settings of the histories of the bash routes. The class is their injection token. */
export abstract class BashHistoryOptions {
  /** Absolute path of the folder of the server's own history, where files are the storage. */
  abstract readonly folder: string;
  abstract readonly limits: BashHistoryLimits;
}
