import { isDeepStrictEqual } from 'node:util';
import {
  copyConversationFiles,
  LeaseHeldError,
  TakeoverPendingError,
  type LeaseFence,
  type LogReader,
  type StoredMetadata,
} from '../../storage/index.js';
import { moveBashHistory } from './bash-move.js';
import type { DeliveriesMove } from './deliveries-move.js';
import { appendRest, assertUndamaged, digestOf, type OnEvents } from './log-copy.js';
import type { MoveOptions } from './move-command-line.js';
import { ConversationHeldError, DifferentCopyError } from './move-errors.js';
import type { StorageSide } from './storage-side.js';

/** What became of a conversation. */
interface MovedConversation {
  /** `none`: the id belongs to no conversation, such as one whose creation was interrupted. */
  outcome: 'moved' | 'same' | 'none';
  events: number;
}

/** Moves single conversations from one place to another. */
export class ConversationMove {
  constructor(
    private readonly from: StorageSide,
    private readonly to: StorageSide,
    private readonly options: Pick<MoveOptions, 'dryRun' | 'waitSeconds' | 'acceptDamaged'>,
    private readonly deliveries: DeliveriesMove,
  ) {}

  /**
   * Copies a conversation under both leases: the log, which is then read again on both sides and compared,
   * and the metadata, with which the conversation appears at the target.
   * @throws DamagedConversationError, DifferentCopyError, ConversationHeldError, and errors of the storage
   */
  async move(id: string, onProgress: OnEvents): Promise<MovedConversation> {
    if (this.options.dryRun) return this.inspect(id, onProgress);
    if ((await this.from.catalogue.load(id)) === undefined) return { outcome: 'none', events: 0 };
    const source = await this.acquire(this.from, id);
    try {
      const target = await this.acquire(this.to, id);
      try {
        return await this.copy(id, target, onProgress);
      } finally {
        await this.to.leases.release(target);
      }
    } finally {
      await this.from.leases.release(source);
    }
  }

  /** Reads a conversation as a move does, and refuses what a move would refuse. */
  private async inspect(id: string, onProgress: OnEvents): Promise<MovedConversation> {
    const metadata = await this.from.catalogue.load(id);
    if (metadata === undefined) return { outcome: 'none', events: 0 };
    for (const side of [this.from, this.to]) {
      const holder = await side.holderOf(id);
      if (holder !== undefined) throw this.heldBy(side, holder);
    }
    const log = await this.from.logs.read(id);
    try {
      await this.assertUndamaged(id, log);
      const digest = await digestOf(log, log.length, onProgress);
      const there = await this.to.catalogue.load(id);
      const same = there !== undefined && (await this.hasSame(id, log.length, digest));
      return { outcome: same && isDeepStrictEqual(there, metadata) ? 'same' : 'moved', events: log.length };
    } finally {
      await log.close();
    }
  }

  private async hasSame(id: string, length: number, digest: string): Promise<boolean> {
    const log = await this.to.logs.read(id);
    try {
      return log.length === length && (await digestOf(log, length)) === digest;
    } finally {
      await log.close();
    }
  }

  private async copy(id: string, fence: LeaseFence, onProgress: OnEvents): Promise<MovedConversation> {
    const metadata = await this.from.catalogue.load(id);
    if (metadata === undefined) return { outcome: 'none', events: 0 };
    const there = await this.to.catalogue.load(id);
    const log = await this.from.logs.read(id);
    let outcome: MovedConversation['outcome'] = 'same';
    try {
      await this.assertUndamaged(id, log);
      if (there === undefined) await this.to.catalogue.beginCreation(id, fence);
      if (await this.copyLog(id, log, fence, onProgress)) outcome = 'moved';
    } finally {
      await log.close();
    }
    const [source, target] = [this.from.folderOf(id), this.to.folderOf(id)];
    if (source !== target && (await copyConversationFiles(source, target)) > 0) outcome = 'moved';
    if ((await moveBashHistory(this.from, this.to, id)) > 0) outcome = 'moved';
    await this.deliveries.movePositions(id);
    if (await this.saveMetadata(metadata, there, fence)) outcome = 'moved';
    return { outcome, events: log.length };
  }

  /** @returns whether anything had to be appended */
  private async copyLog(
    id: string,
    log: LogReader,
    fence: LeaseFence,
    onProgress: OnEvents,
  ): Promise<boolean> {
    const target = await this.to.logs.open(id);
    let digests: [string, string];
    const before = target.length;
    try {
      if (before > log.length)
        throw new DifferentCopyError(
          `the target has ${before} events, the source ${log.length}: it was used there since it was moved`,
        );
      if (before > 0) {
        digests = await Promise.all([digestOf(log, before), digestOf(target, before)]);
        if (digests[0] !== digests[1])
          throw new DifferentCopyError(`its first ${before} events differ between source and target`);
      }
      await appendRest(log, target, fence, onProgress);
    } finally {
      await target.close();
    }
    if (before === log.length) onProgress(log.length, 0);
    else await this.verify(id, log.length);
    return before < log.length;
  }

  /** Reads both sides again, from what is stored. */
  private async verify(id: string, length: number): Promise<void> {
    const logs = await Promise.all([this.from.logs.read(id), this.to.logs.read(id)]);
    try {
      const [source, target] = logs;
      if (source.length !== length || target.length !== length)
        throw new DifferentCopyError(
          `the source has ${source.length} events after the copy, the target ${target.length}`,
        );
      const digests = await Promise.all([digestOf(source, length), digestOf(target, length)]);
      if (digests[0] !== digests[1])
        throw new DifferentCopyError('the copied log differs from that of the source');
    } finally {
      await Promise.all(logs.map((log) => log.close()));
    }
  }

  private async saveMetadata(
    metadata: StoredMetadata,
    there: StoredMetadata | undefined,
    fence: LeaseFence,
  ): Promise<boolean> {
    if (isDeepStrictEqual(metadata, there)) return false;
    await this.to.catalogue.save(metadata, fence);
    if (!isDeepStrictEqual(metadata, await this.to.catalogue.load(metadata.id)))
      throw new DifferentCopyError('the copied metadata differ from those of the source');
    return true;
  }

  private async assertUndamaged(id: string, log: LogReader): Promise<void> {
    if (!this.options.acceptDamaged) await assertUndamaged(id, log);
  }

  private async acquire(side: StorageSide, id: string): Promise<LeaseFence> {
    try {
      return await side.settling.retry(() => side.leases.acquire(id), this.options.waitSeconds * 1000);
    } catch (error) {
      if (!(error instanceof LeaseHeldError || error instanceof TakeoverPendingError)) throw error;
      throw this.heldBy(side, (await side.holderOf(id)) ?? 'another server');
    }
  }

  private heldBy(side: StorageSide, holder: string): ConversationHeldError {
    return new ConversationHeldError(
      `${holder} has it open at the ${side === this.from ? 'source' : 'target'}`,
    );
  }
}
