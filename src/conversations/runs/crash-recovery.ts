import { Logger } from '@nestjs/common';
import { errorMessage, errorStack } from '../../errors/index.js';
import { LeaseHeldError, StorageFailedError } from '../../storage/index.js';
import type { ConversationRegistry } from '../registry/conversation-registry.js';
import type { RunSlots } from './run-slots.js';

/** Between two attempts while the storage fails. */
const STORAGE_RETRY_MS = 5_000;

/**
 * Recovers the conversations that were running when their server ended, one after another: pauses them, or
 * resumes each as soon as there is a slot for its run.
 */
export class CrashRecovery {
  private readonly logger = new Logger('Conversations');
  private readonly queue = new Set<string>();
  private readonly stopped = new AbortController();
  private readonly timers = new Set<NodeJS.Timeout>();
  /** Conversations whose delay was logged. */
  private readonly reported = new Set<string>();
  private working: Promise<void> | undefined;

  constructor(
    private readonly registry: ConversationRegistry,
    private readonly slots: RunSlots,
    private readonly options: { resume: boolean; leaseTtlSeconds: number },
  ) {}

  /** Adds a conversation to the queue. */
  add(id: string): void {
    if (this.stopped.signal.aborted) return;
    this.queue.add(id);
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  /** Stops recovering; resolves when no recovery is in progress. */
  async stop(): Promise<void> {
    this.stopped.abort();
    for (const timer of this.timers) clearTimeout(timer);
    await this.working;
  }

  private async work(): Promise<void> {
    for (const id of this.queue) {
      const releaseSlot = this.options.resume ? await this.slots.wait(this.stopped.signal) : undefined;
      if (this.stopped.signal.aborted) return releaseSlot?.();
      // Before the attempt: if it fails, the conversation may be added again.
      this.queue.delete(id);
      try {
        if (releaseSlot) await this.registry.resumeRun(id, releaseSlot);
        else await this.registry.recover(id);
      } catch (error) {
        releaseSlot?.();
        if (error instanceof LeaseHeldError) this.retryLater(id, (this.options.leaseTtlSeconds + 1) * 1000);
        else if (error instanceof StorageFailedError) this.waitForStorage(id, error);
        else this.logger.error(`conversation ${id} cannot be recovered`, errorStack(error));
      }
    }
  }

  /** A full or failing disk may recover at any time. Logged once per conversation. */
  private waitForStorage(id: string, error: StorageFailedError): void {
    if (!this.reported.has(id))
      this.logger.warn(
        `conversation ${id} will be recovered when the storage works again: ${errorMessage(error)}`,
      );
    this.reported.add(id);
    this.retryLater(id, STORAGE_RETRY_MS);
  }

  /**
   * The lease of a server that crashed on another host or in a container expires by time only, so another
   * server's lease may be such a one.
   */
  private retryLater(id: string, afterMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.addIfRunning(id);
    }, afterMs).unref();
    this.timers.add(timer);
  }

  private async addIfRunning(id: string): Promise<void> {
    try {
      if (await this.registry.isStoredAsRunning(id)) this.add(id);
    } catch (error) {
      if (error instanceof StorageFailedError) this.waitForStorage(id, error);
      else this.logger.error(`conversation ${id} cannot be recovered`, errorStack(error));
    }
  }
}
