/** Spreads requests and sockets over servers at random, as a load balancer without stickiness does. */
export class LoadBalancer {
  /** @param random numbers from 0 to below 1, which choose the server */
  static start(random: () => number): Promise<LoadBalancer>;
  readonly port: number;
  readonly url: string;
  /** How many requests and sockets each server got, by its address. */
  readonly counts: ReadonlyMap<string, number>;
  /** Sets the addresses of the servers from now on. */
  setTargets(urls: readonly string[]): void;
  stop(): Promise<void>;
}
