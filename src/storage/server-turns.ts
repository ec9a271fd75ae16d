/** A result, or that another server is at it. */
export type Turn<T> = { taken: true; result: T } | { taken: false };

/** Work that one of the servers of a storage does at a time. */
export abstract class ServerTurns {
  /**
   * Does the work unless another server does work of this name. The signal aborts when that can no longer be
   * ruled out. Servers without a database do not know each other: leases of conversations keep them apart.
   */
  abstract tryTake<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<Turn<T>>;
}
