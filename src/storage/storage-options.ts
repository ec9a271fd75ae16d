/** Where and how conversations are stored. The token by which drivers get it. */
export abstract class StorageOptions {
  /** The absolute path of the folder that holds one folder for each conversation. */
  abstract readonly conversationsPath: string;
  /** Seconds after which a server that does not renew its leases has lost them; 0 switches leases off. */
  abstract readonly leaseTtlSeconds: number;
}
