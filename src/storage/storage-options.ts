/** Storage settings. The class is their injection token. */
export abstract class StorageOptions {
  /** Absolute path of the folder that contains a folder for each conversation. */
  abstract readonly conversationsPath: string;
  /** Seconds after which a lease that is not renewed expires; 0 disables leases. */
  abstract readonly leaseTtlSeconds: number;
}
