import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { SharedRun } from '../../../flow/index.js';
import type { Hints } from '../../hints.js';
import { LeaseStore, type ConversationOwner } from '../../lease-store.js';
import { LeaseHeldError, StorageFailedError, TakeoverPendingError } from '../../storage-errors.js';
import type { Repeatable } from '../database/index.js';
import { ABANDONED, ACQUIRE, OWNER_OF, RELEASE, STILL_HELD } from './lease-statements.js';
import { PostgresFence } from './postgres-fence.js';
import type { ServerLease } from './server-lease.js';

/** The hint that a server has taken a conversation which another one owned. */
const TAKEN = 'lease-taken';

interface OwnerRow {
  id: string;
  url: string | null;
  proof: string | null;
  lease_until: Date;
  lease_left: number;
}

/** Leases as columns of the conversations: the server that owns them, and a generation. */
export class PostgresLeaseStore extends LeaseStore {
  private readonly logger = new Logger('Leases');
  private readonly held = new Map<string, PostgresFence>();
  private readonly goneListeners: ((conversationId: string) => void)[] = [];
  private readonly acquiring = new Set<string>();
  /** Generations by conversation: releases that are not stored yet. */
  private unreleased = new Map<string, number>();
  private readonly releasing = new SharedRun(() => this.storeReleases());
  private verifying: Promise<void> = Promise.resolve();
  private verifications = 0;
  /** How often the lease of the server has ended. */
  private ends = 0;

  constructor(
    private readonly database: Repeatable,
    private readonly server: ServerLease,
    private readonly hints: Hints,
  ) {
    super();
    server.onEnd(() => this.loseAll());
    server.onRenewed((isUncertain) => {
      if (isUncertain) this.verify([...this.held.values()]);
      if (this.unreleased.size > 0) void this.flush();
    });
    hints.listen(TAKEN, (id) => {
      const fences = id === undefined ? [...this.held.values()] : [this.held.get(id) ?? []].flat();
      this.verify(fences);
    });
  }

  /** The id of this server. */
  get serverId(): string {
    return this.server.id;
  }

  override isCertain(): boolean {
    return this.server.isCertain && this.verifications === 0;
  }

  /** Calls `listener` when this server no longer holds a conversation. */
  onGone(listener: (conversationId: string) => void): void {
    this.goneListeners.push(listener);
  }

  /** The fence that this server holds for a conversation. */
  fenceOf(conversationId: string): PostgresFence | undefined {
    return this.held.get(conversationId);
  }

  override async acquire(id: string): Promise<PostgresFence> {
    if (this.held.has(id) || this.acquiring.has(id)) throw new LeaseHeldError(id);
    this.acquiring.add(id);
    try {
      await this.server.ensure();
      const { ends } = this;
      const { rows } = await this.database.read<{ generation: number; previous: string | null }>(ACQUIRE, [
        this.server.id,
        id,
      ]);
      const [row] = rows;
      if (!row) throw (await this.ownerOf(id)) ? new LeaseHeldError(id) : new TakeoverPendingError(id);
      if (ends !== this.ends) {
        this.unreleased.set(id, row.generation);
        throw new StorageFailedError('ETIMEDOUT', new Error('the lease of this server has ended'));
      }
      const fence = new PostgresFence(id, row.generation, {
        isLive: () => this.server.isLive,
        confirm: (it) => this.confirm(it),
      });
      this.held.set(id, fence);
      if (row.previous !== null && row.previous !== this.server.id) this.hints.tell(TAKEN, id);
      return fence;
    } finally {
      this.acquiring.delete(id);
    }
  }

  /** Releases at the same time share a statement. What cannot be stored now is stored later, or expires. */
  override async release(fence: PostgresFence): Promise<void> {
    const { conversationId, generation } = fence;
    if (!fence.release()) return;
    this.forget(conversationId);
    this.unreleased.set(conversationId, generation);
    await this.flush();
  }

  override async isVacant(id: string): Promise<boolean> {
    const owner = await this.ownerOf(id);
    return owner === undefined || (owner.isSelf && !this.held.has(id));
  }

  override async ownerOf(id: string): Promise<ConversationOwner | undefined> {
    const { rows } = await this.database.read<OwnerRow>(OWNER_OF, [id]);
    const [row] = rows;
    return (
      row && {
        serverId: row.id,
        isSelf: row.id === this.server.id,
        url: row.url,
        proof: row.proof,
        leaseUntil: row.lease_until.toISOString(),
        leaseLeftMs: row.lease_left,
      }
    );
  }

  override async abandoned(limit: number): Promise<string[]> {
    const { rows } = await this.database.read<{ id: string }>(ABANDONED, [this.server.id, limit]);
    return rows.map(({ id }) => id);
  }

  /** Stores the releases that are left. */
  close(): Promise<void> {
    return this.flush();
  }

  /** Renews the lease of the server, and finds out whether a fence is still the valid one. */
  private async confirm(fence: PostgresFence): Promise<void> {
    await this.server.renew();
    this.verify([fence]);
    await this.verifying;
  }

  /** Fences that another server has taken are lost. */
  private verify(fences: readonly PostgresFence[]): void {
    if (fences.length === 0) return;
    this.verifications += 1;
    this.verifying = this.verifying
      .then(() => this.loseTaken(fences))
      .finally(() => (this.verifications -= 1));
  }

  private async loseTaken(fences: readonly PostgresFence[]): Promise<void> {
    try {
      const values = [
        this.server.id,
        fences.map(({ conversationId }) => conversationId),
        fences.map(({ generation }) => generation),
      ];
      const { rows } = await this.database.read<{ id: string }>(STILL_HELD, values, 'wait');
      const ours = new Set(rows.map(({ id }) => id));
      for (const fence of fences) {
        if (ours.has(fence.conversationId) || !fence.isHeld) continue;
        this.logger.error(`conversation ${fence.conversationId}: the lease was lost to another server`);
        this.lose(fence);
      }
    } catch (error) {
      // The next heartbeats verify again, and an append would be refused.
      this.logger.warn(`leases could not be verified: ${errorMessage(error)}`);
    }
  }

  private loseAll(): void {
    this.ends += 1;
    for (const fence of [...this.held.values()]) {
      this.unreleased.set(fence.conversationId, fence.generation);
      this.lose(fence);
    }
  }

  private lose(fence: PostgresFence): void {
    this.forget(fence.conversationId);
    fence.lose();
  }

  private forget(conversationId: string): void {
    this.held.delete(conversationId);
    for (const listener of this.goneListeners) listener(conversationId);
  }

  /** Stores the releases so far. Never rejects. */
  private flush(): Promise<void> {
    return this.releasing.run();
  }

  private async storeReleases(): Promise<void> {
    // Closing many conversations ends in the same moment.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = this.unreleased;
    this.unreleased = new Map();
    if (batch.size === 0) return;
    try {
      const values = [this.server.id, [...batch.keys()], [...batch.values()]];
      await this.database.read(RELEASE, values, 'wait');
    } catch (error) {
      this.logger.warn(`${batch.size} leases could not be released yet: ${errorMessage(error)}`);
      for (const [id, generation] of batch) if (!this.unreleased.has(id)) this.unreleased.set(id, generation);
    }
  }
}
