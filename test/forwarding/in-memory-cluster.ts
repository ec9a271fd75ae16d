import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { AddressProofs, ClusterKeys } from '../../src/crypto/index.js';
import { Locator, type Location, type ServerAddress } from '../../src/forwarding/index.js';

/** The key of the cluster. */
export const SECRET = 'shared';

const KEYS = { cluster_key: null, secret_key: SECRET, previous_secret_keys: [] };
/** Of servers of the cluster that are not there. */
const PROOFS = new AddressProofs(ClusterKeys.from(KEYS, 'addresses') ?? ClusterKeys.random());

/** Which server has which conversation, for servers in one process. */
export class InMemoryCluster {
  readonly owners = new Map<string, string>();
  /** Addresses by server; a server without one has stopped. */
  readonly urls = new Map<string, string | null>();
  /** Answers of the next calls of `claim`, before the real one. */
  readonly claims: (() => boolean)[] = [];

  /** Leases by server: how long they last (ms), and how often they were renewed. */
  readonly leases = new Map<string, { leftMs: number; renewals: number }>();
  /** What servers sign their addresses with. */
  readonly signers = new Map<string, AddressProofs>();
  /** Proofs by server that differ from those that it makes itself. */
  readonly proofs = new Map<string, string | null>();

  /** @param url where the server says that it is */
  addressOf(serverId: string, url = this.urls.get(serverId) ?? null): ServerAddress {
    const { leftMs, renewals } = this.leases.get(serverId) ?? {};
    const seenAt = performance.now();
    const given = this.proofs.get(serverId);
    const signer = this.signers.get(serverId) ?? PROOFS;
    return {
      ...{ serverId, url, proof: given === undefined ? signer.write(serverId, url, 1000) : given },
      lease: leftMs === undefined ? null : { until: String(renewals), endsAt: seenAt + leftMs, seenAt },
    };
  }

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
  /** Conversations that are open here, whoever has them. */
  readonly open = new Set<string>();

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
    return Promise.resolve(owner === this.selfId ? 'here' : this.cluster.addressOf(owner));
  }

  override claim(conversationId: string): Promise<boolean> {
    const isTaken = this.cluster.claims.shift()?.() ?? true;
    if (isTaken) this.cluster.owners.set(conversationId, this.selfId);
    return Promise.resolve(isTaken);
  }

  override others(): Promise<ServerAddress[]> {
    const ids = [...this.cluster.urls.keys()].filter((id) => id !== this.selfId);
    return Promise.resolve(ids.map((id) => this.cluster.addressOf(id)));
  }

  override isOpenHere(conversationId: string): boolean {
    return this.open.has(conversationId);
  }

  override isLive(serverId: string): Promise<boolean> {
    return Promise.resolve(this.cluster.urls.has(serverId));
  }
}
