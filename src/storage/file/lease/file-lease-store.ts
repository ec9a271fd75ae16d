import { randomBytes } from 'node:crypto';
import { copyFile, constants, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { errorCode } from '../../../errors/index.js';
import { openPlainFile, syncFolder } from '../../../files/index.js';
import { LeaseStore, type ConversationOwner, type LeaseFence } from '../../lease-store.js';
import { DamagedConversationError, LeaseHeldError, toFileError } from '../../storage-errors.js';
import type { ReservedConversations } from '../../reserved-conversations.js';
import { StorageOptions } from '../../storage-options.js';
import { forEachBounded } from '../../../flow/index.js';
import { conversationFolder, FOLDER_MODE, LOG_FILE } from '../conversation-folder.js';
import { FileLease } from './file-lease.js';
import { LeaseFile } from './lease-file.js';
import { announceOwner } from './lease-record.js';

/** Renewals within one time to live, as in the original (every 15 s of 45 s). */
const RENEWALS_PER_TTL = 3;
const MAX_PARALLEL_RENEWALS = 4;

/**
 * Leases as `owner_lease.json` in the folders of the conversations. One timer renews all leases of this
 * process.
 */
@Injectable()
export class FileLeaseStore extends LeaseStore implements OnApplicationShutdown {
  private readonly logger = new Logger('LeaseStore');
  private readonly instanceId = randomBytes(16).toString('hex');
  private readonly withdrawOwner = announceOwner(this.instanceId);
  /** Leases that are held, being acquired (undefined) or being released, by conversation. */
  private readonly held = new Map<string, FileLease | UnleasedFence | undefined>();
  private readonly releases = new Map<string, Promise<void>>();
  private readonly ttlMs: number;
  private timer: NodeJS.Timeout | undefined;
  private renewing = false;

  constructor(
    private readonly options: StorageOptions,
    private readonly reserved: Pick<ReservedConversations, 'has'> = { has: () => false },
  ) {
    super();
    this.ttlMs = options.leaseTtlSeconds * 1000;
  }

  override async acquire(conversationId: string): Promise<LeaseFence> {
    await this.releases.get(conversationId);
    // A conversation has one owner within a process, too.
    if (this.held.has(conversationId) || this.reserved.has(conversationId))
      throw new LeaseHeldError(conversationId);
    this.held.set(conversationId, undefined);
    try {
      const fence = await this.take(conversationId);
      this.held.set(conversationId, fence);
      this.updateTimer();
      return fence;
    } catch (error) {
      this.held.delete(conversationId);
      throw toFileError(conversationId, 'its lease', error);
    }
  }

  override async release(fence: LeaseFence): Promise<void> {
    const { conversationId } = fence;
    const lease = this.held.get(conversationId);
    if (!lease || lease !== fence) return;
    const releasing = this.releases.get(conversationId) ?? this.doRelease(lease);
    this.releases.set(conversationId, releasing);
    await releasing;
  }

  override async isVacant(conversationId: string): Promise<boolean> {
    if (this.held.has(conversationId)) return false;
    if (this.ttlMs === 0) return true;
    const folder = conversationFolder(this.options.conversationsPath, conversationId);
    try {
      return await new LeaseFile(folder, this.instanceId, this.ttlMs).isVacant();
    } catch (error) {
      const failure = toFileError(conversationId, 'its lease', error);
      // Something else is in the place of the file, so nobody holds the lease.
      if (failure instanceof DamagedConversationError) return true;
      throw failure;
    }
  }

  override async ownerOf(conversationId: string): Promise<ConversationOwner | undefined> {
    if (this.held.get(conversationId)) return ownerOf(this.instanceId, true);
    if (this.ttlMs === 0) return undefined;
    const folder = conversationFolder(this.options.conversationsPath, conversationId);
    const owner = await new LeaseFile(folder, this.instanceId, this.ttlMs).owner();
    return owner === undefined ? undefined : ownerOf(owner, false);
  }

  /** The start of a server looks at the folder itself. */
  override abandoned(): Promise<string[]> {
    return Promise.resolve([]);
  }

  /** Releases the leases that are still held. */
  async onApplicationShutdown(): Promise<void> {
    await forEachBounded([...this.held.values()], MAX_PARALLEL_RENEWALS, async (lease) => {
      if (lease) await this.release(lease);
    });
    this.withdrawOwner();
  }

  private async take(conversationId: string): Promise<FileLease | UnleasedFence> {
    const folder = conversationFolder(this.options.conversationsPath, conversationId);
    await ensureFolder(folder);
    if (this.ttlMs === 0) return new UnleasedFence(conversationId);
    const file = new LeaseFile(folder, this.instanceId, this.ttlMs);
    const taken = await file.take();
    if (!taken) throw new LeaseHeldError(conversationId);
    const lease = new FileLease(conversationId, file, taken.lease, this.ttlMs);
    if (taken.previous !== 'expired') return lease;
    try {
      await detachLog(folder, this.instanceId);
    } catch (error) {
      await lease.release();
      throw error;
    }
    this.logger.warn(`conversation ${conversationId}: acquired the lease of a server that did not renew it`);
    return lease;
  }

  private async doRelease(lease: FileLease | UnleasedFence): Promise<void> {
    const { conversationId } = lease;
    try {
      await lease.release();
    } catch (error) {
      // Logged only: the lease expires by itself.
      this.logger.warn(`conversation ${conversationId}: the lease could not be released: ${String(error)}`);
    } finally {
      this.held.delete(conversationId);
      this.releases.delete(conversationId);
      this.updateTimer();
    }
  }

  private updateTimer(): void {
    const needed = this.ttlMs > 0 && this.held.size > 0;
    if (needed) {
      this.timer ??= setInterval(() => void this.renewAll(), this.ttlMs / RENEWALS_PER_TTL).unref();
    } else {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }

  private async renewAll(): Promise<void> {
    if (this.renewing) return;
    this.renewing = true;
    // `renew` does not throw: a failed renewal is logged and tried again.
    await forEachBounded([...this.held.values()], MAX_PARALLEL_RENEWALS, async (lease) => {
      if (lease instanceof FileLease && lease.isHeld) await this.renew(lease);
    });
    this.renewing = false;
  }

  private async renew(lease: FileLease): Promise<void> {
    const { conversationId } = lease;
    try {
      if ((await lease.renew()) || lease.isReleased) return;
      this.logger.error(`conversation ${conversationId}: the lease was lost to another server`);
    } catch (error) {
      this.logger.warn(`conversation ${conversationId}: the lease could not be renewed: ${String(error)}`);
    }
  }
}

/** A fence while leases are disabled: valid until it is released. */
class UnleasedFence implements LeaseFence {
  readonly generation = 0;
  private valid = true;

  constructor(readonly conversationId: string) {}

  isValid(): boolean {
    return this.valid;
  }
  confirm(): Promise<boolean> {
    return Promise.resolve(this.valid);
  }
  onLost(): void {
    // Cannot be lost.
  }
  release(): Promise<void> {
    this.valid = false;
    return Promise.resolve();
  }
}

/**
 * Replaces the log by a copy. The previous owner may only be frozen: a write that it finishes after waking
 * goes to its open file, which is no longer the log, and it sees that its lease is lost before it
 * acknowledges the write.
 */
async function detachLog(folder: string, instanceId: string): Promise<void> {
  const log = path.join(folder, LOG_FILE);
  const copy = path.join(folder, `${LOG_FILE}.${instanceId}.tmp`);
  try {
    // Rejects links and pipes, which a copy would follow or block on.
    await (await openPlainFile(log)).close();
    await copyFile(log, copy, constants.COPYFILE_FICLONE);
    const handle = await open(copy, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(copy, log);
    await syncFolder(folder);
  } catch (error) {
    await rm(copy, { force: true });
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Tries without `recursive` first, which would report a read-only file system as `ENOENT`. */
async function ensureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  }
}

/** Servers that share files know no addresses of each other. */
function ownerOf(serverId: string, isSelf: boolean): ConversationOwner {
  return { serverId, isSelf, url: null, proof: null, leaseUntil: null, leaseLeftMs: null };
}
