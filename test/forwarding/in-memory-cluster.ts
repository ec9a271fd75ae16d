import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Locator, type Location } from '../../src/forwarding/index.js';

/** Which server has which conversation, for servers in one process. */
export class InMemoryCluster {
  readonly owners = new Map<string, string>();
  /** Addresses by server; a server without one has stopped. */
  readonly urls = new Map<string, string | null>();
  /** Answers of the next calls of `claim`, before the real one. */
  readonly claims: (() => boolean)[] = [];

  /** Gives a new conversation to a server. */
  conversationAt(serverId: string): string {
    const id = randomUUID();
    this.owners.set(id, serverId);
    return id;
  }

  locatorOf(selfId: string): InMemoryLocator {
    return new InMemoryLocator(selfId, this);
  }
}

/** The view of one server. */
export class InMemoryLocator extends Locator {
  /** Locations that are answered before the real one, as if they were out of date. */
  readonly stale: Location[] = [];

  constructor(
    readonly selfId: string,
    private readonly cluster: InMemoryCluster,
  ) {
    super();
  }

  override locate(conversationId: string): Promise<Location> {
    const stale = this.stale.shift();
    if (stale !== undefined) return Promise.resolve(stale);
    const owner = this.cluster.owners.get(conversationId);
    const url = owner === undefined ? undefined : this.cluster.urls.get(owner);
    if (owner === undefined || url === undefined) return Promise.resolve('nowhere');
    return Promise.resolve(owner === this.selfId ? 'here' : { serverId: owner, url });
  }

  override claim(conversationId: string): Promise<boolean> {
    const isTaken = this.cluster.claims.shift()?.() ?? true;
    if (isTaken) this.cluster.owners.set(conversationId, this.selfId);
    return Promise.resolve(isTaken);
  }

  override isLive(serverId: string): Promise<boolean> {
    return Promise.resolve(this.cluster.urls.has(serverId));
  }
}
