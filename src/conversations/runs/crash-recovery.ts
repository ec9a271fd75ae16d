import { Logger } from '@nestjs/common';
import { errorMessage, errorStack } from '../../errors/index.js';
import { LeaseHeldError, StorageFailedError } from '../../storage/index.js';
import type { ConversationRegistry } from '../registry/conversation-registry.js';
import type { RunSlots } from './run-slots.js';

/** How often it is tried while the storage takes nothing (ms). */
const STORAGE_RETRY_MS = 5_000;

/**
 * Takes up, one after another, the conversations that were running when their server ended: they are paused,
 * or go on as soon as there is a slot for their run.
 */
export class CrashRecovery {
  private readonly logger = new Logger('Conversations');
  private readonly waiting = new Set<string>();
  private readonly stopped = new AbortController();
  private readonly timers = new Set<NodeJS.Timeout>();
  /** Those of which was said that they have to wait. */
  private readonly reported = new Set<string>();
  private working: Promise<void> | undefined;

  constructor(
    private readonly registry: ConversationRegistry,
    private readonly slots: RunSlots,
    private readonly options: { resume: boolean; leaseTtlSeconds: number },
  ) {}

  /** Puts a conversation into the queue, once. */
  add(id: string): void {
    if (this.stopped.signal.aborted) return;
    this.waiting.add(id);
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  /** Takes up nothing more, and resolves when nothing is being taken up. */
  async stop(): Promise<void> {
    this.stopped.abort();
    for (const timer of this.timers) clearTimeout(timer);
    await this.working;
  }

  private async work(): Promise<void> {
    for (const id of this.waiting) {
      const slot = this.options.resume ? await this.slots.wait(this.stopped.signal) : undefined;
      if (this.stopped.signal.aborted) return slot?.();
      // From here on it may be asked for again: should this server lose it and find it once more.
      this.waiting.delete(id);
      try {
        if (slot) await this.registry.goOn(id, slot);
        else await this.registry.recover(id);
      } catch (error) {
        slot?.();
        if (error instanceof LeaseHeldError) this.lookAgain(id, (this.options.leaseTtlSeconds + 1) * 1000);
        else if (error instanceof StorageFailedError) this.waitForStorage(id, error);
        else this.logger.error(`conversation ${id} cannot be recovered`, errorStack(error));
      }
    }
  }

  /** The disk is full, or out of order: it may work again at any time. Said once. */
  private waitForStorage(id: string, error: StorageFailedError): void {
    if (!this.reported.has(id))
      this.logger.warn(`conversation ${id} is recovered as soon as it can be: ${errorMessage(error)}`);
    this.reported.add(id);
    this.lookAgain(id, STORAGE_RETRY_MS);
  }

  /**
   * Later: another server has the lease, which may be the one that died (on another host, or in a container
   * that is gone, only time tells), or the storage takes nothing.
   */
  private lookAgain(id: string, afterMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.addIfRunning(id);
    }, afterMs).unref();
    this.timers.add(timer);
  }

  private async addIfRunning(id: string): Promise<void> {
    try {
      if (await this.registry.saysRunning(id)) this.add(id);
    } catch (error) {
      if (error instanceof StorageFailedError) this.waitForStorage(id, error);
      else this.logger.error(`conversation ${id} cannot be recovered`, errorStack(error));
    }
  }
}
