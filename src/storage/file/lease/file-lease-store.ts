import { randomBytes } from 'node:crypto';
import { copyFile, constants, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { errorCode } from '../../../errors/index.js';
import { openPlainFile, syncFolder } from '../../../files/index.js';
import { LeaseStore, type LeaseFence } from '../../lease-store.js';
import { DamagedConversationError, LeaseHeldError, unusableFile } from '../../storage-errors.js';
import { StorageOptions } from '../../storage-options.js';
import { forEachBounded } from '../../../flow/index.js';
import { conversationFolder, FOLDER_MODE, LOG_FILE } from '../catalogue/conversation-folder.js';
import { FileLease } from './file-lease.js';
import { LeaseFile } from './lease-file.js';
import { announceOwner } from './lease-record.js';

/** Leases are renewed three times in their life, as the original does (15 s of 45 s). */
const RENEWALS_PER_TTL = 3;
const RENEWALS_AT_ONCE = 4;

/**
 * Leases as `owner_lease.json` in the folders of the conversations. One timer renews all that this process
 * holds.
 */
@Injectable()
export class FileLeaseStore extends LeaseStore implements OnApplicationShutdown {
  private readonly logger = new Logger('LeaseStore');
  private readonly instanceId = randomBytes(16).toString('hex');
  private readonly withdraw = announceOwner(this.instanceId);
  /** Conversations whose lease is held, being taken or being given back. */
  private readonly held = new Map<string, FileLease | Unleased | undefined>();
  private readonly releases = new Map<string, Promise<void>>();
  private readonly ttlMs: number;
  private timer: NodeJS.Timeout | undefined;
  private renewing = false;

  constructor(private readonly options: StorageOptions) {
    super();
    this.ttlMs = options.leaseTtlSeconds * 1000;
  }

  override async acquire(conversationId: string): Promise<LeaseFence> {
    await this.releases.get(conversationId);
    // Within one process a conversation has one owner, too.
    if (this.held.has(conversationId)) throw new LeaseHeldError(conversationId);
    this.held.set(conversationId, undefined);
    try {
      const fence = await this.take(conversationId);
      this.held.set(conversationId, fence);
      this.updateTimer();
      return fence;
    } catch (error) {
      this.held.delete(conversationId);
      throw unusableFile(conversationId, 'its lease', error);
    }
  }

  override async release(fence: LeaseFence): Promise<void> {
    const { conversationId } = fence;
    const lease = this.held.get(conversationId);
    if (!lease || lease !== fence) return;
    const releasing = this.releases.get(conversationId) ?? this.giveBack(lease);
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
      const failure = unusableFile(conversationId, 'its lease', error);
      // Whatever stands in its place, nobody holds it.
      if (failure instanceof DamagedConversationError) return true;
      throw failure;
    }
  }

  /** Gives back what nobody gave back. */
  async onApplicationShutdown(): Promise<void> {
    await forEachBounded([...this.held.values()], RENEWALS_AT_ONCE, async (lease) => {
      if (lease) await this.release(lease);
    });
    this.withdraw();
  }

  private async take(conversationId: string): Promise<FileLease | Unleased> {
    const folder = conversationFolder(this.options.conversationsPath, conversationId);
    await ensureFolder(folder);
    if (this.ttlMs === 0) return new Unleased(conversationId);
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
    this.logger.warn(`conversation ${conversationId}: took over the lease of a server that did not renew it`);
    return lease;
  }

  private async giveBack(lease: FileLease | Unleased): Promise<void> {
    const { conversationId } = lease;
    try {
      await lease.release();
    } catch (error) {
      // It runs out by itself; whoever closes a conversation has nothing to do about it.
      this.logger.warn(`conversation ${conversationId}: the lease could not be given back: ${String(error)}`);
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
    // Nothing is thrown here: a failed renewal is reported and tried again.
    await forEachBounded([...this.held.values()], RENEWALS_AT_ONCE, async (lease) => {
      if (lease instanceof FileLease && lease.isHeld) await this.renew(lease);
    });
    this.renewing = false;
  }

  private async renew(lease: FileLease): Promise<void> {
    const { conversationId } = lease;
    try {
      if ((await lease.renew()) || lease.isReleased) return;
      this.logger.error(`conversation ${conversationId}: the lease is lost to another server`);
    } catch (error) {
      this.logger.warn(`conversation ${conversationId}: the lease could not be renewed: ${String(error)}`);
    }
  }
}

/** Leases are switched off: the right to write lasts until it is given back. */
class Unleased implements LeaseFence {
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
    // Nobody takes what nobody holds.
  }
  release(): Promise<void> {
    this.valid = false;
    return Promise.resolve();
  }
}

/**
 * Puts a copy in the place of the log. The owner before may only be frozen: a write that it finishes when it
 * wakes goes to the file that it has open, which from now on is not the log any more. It finds its lease lost
 * before it tells anybody that the write was done.
 */
async function detachLog(folder: string, instanceId: string): Promise<void> {
  const log = path.join(folder, LOG_FILE);
  const copy = path.join(folder, `${LOG_FILE}.${instanceId}.tmp`);
  try {
    // A copy would have what a link leads to, or never end.
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

/** With `recursive` alone a read-only file system is told as `ENOENT`. */
async function ensureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  }
}
