import { Logger } from '@nestjs/common';
import { errorMessage, errorStack } from '../../errors/index.js';
import { LeaseHeldError, StorageFailedError, TakeoverPendingError } from '../../storage/index.js';
import type { ConversationRegistry } from '../registry/conversation-registry.js';
import type { RunSlots } from './run-slots.js';

/** Between two attempts while the storage fails. */
const STORAGE_RETRY_MS = 5_000;

interface RecoveryOptions {
  /** Interrupted runs are resumed instead of paused. */
  resume: boolean;
  /**
   * Seconds after which a conversation that another server owns is tried again, because that server may be
   * dead; null: somebody else looks for those.
   */
  retryHeldSeconds: number | null;
  /** How many conversations are recovered at the same time. */
  parallel: number;
}

/**
 * Recovers the conversations that were running when their server ended: pauses them, or resumes each as soon
 * as there is a slot for its run.
 */
export class CrashRecovery {
  private readonly logger = new Logger('Conversations');
  private readonly queue = new Set<string>();
  private readonly stopped = new AbortController();
  private readonly timers = new Set<NodeJS.Timeout>();
  /** Conversations whose delay was logged. */
  private readonly reported = new Set<string>();
  private readonly workers = new Set<Promise<void>>();
  /** Conversations that cannot be recovered: they are damaged. */
  readonly failed = new Set<string>();

  constructor(
    private readonly registry: ConversationRegistry,
    private readonly slots: RunSlots,
    private readonly options: RecoveryOptions,
  ) {}

  /** Adds a conversation to the queue. */
  add(id: string): void {
    if (this.stopped.signal.aborted) return;
    this.queue.add(id);
    if (this.workers.size >= this.options.parallel) return;
    const worker = this.work().finally(() => this.workers.delete(worker));
    this.workers.add(worker);
  }

  /** How many conversations wait for their turn. */
  get waiting(): number {
    return this.queue.size;
  }

  /** Stops recovering; resolves when no recovery is in progress. */
  async stop(): Promise<void> {
    this.stopped.abort();
    for (const timer of this.timers) clearTimeout(timer);
    await this.settled();
  }

  /** Resolves when the queue is empty. */
  async settled(): Promise<void> {
    while (this.workers.size > 0) await Promise.all(this.workers);
  }

  private async work(): Promise<void> {
    while (this.queue.size > 0) {
      if (this.dropRunning()) continue;
      const releaseSlot = this.options.resume ? await this.slots.wait(this.stopped.signal) : undefined;
      const [id] = this.queue;
      if (id === undefined || this.stopped.signal.aborted) return releaseSlot?.();
      // Before the attempt: if it fails, the conversation may be added again.
      this.queue.delete(id);
      await this.recover(id, releaseSlot);
    }
  }

  /** A conversation whose run was resumed meanwhile needs no slot. Returns whether there was one. */
  private dropRunning(): boolean {
    const [id] = this.queue;
    if (id === undefined || !this.registry.opened(id)?.isRunning) return false;
    return this.queue.delete(id);
  }

  private async recover(id: string, releaseSlot: (() => void) | undefined): Promise<void> {
    try {
      if (releaseSlot) await this.registry.resumeRun(id, releaseSlot);
      else await this.registry.recover(id);
    } catch (error) {
      releaseSlot?.();
      if (error instanceof LeaseHeldError) this.retryHeld(id);
      else if (error instanceof StorageFailedError) this.waitForStorage(id, error);
      else if (!(error instanceof TakeoverPendingError)) this.fail(id, error);
    }
  }

  /**
   * The lease of a server that crashed on another host or in a container expires by time only, so another
   * server's lease may be such a one.
   */
  private retryHeld(id: string): void {
    const { retryHeldSeconds } = this.options;
    if (retryHeldSeconds !== null) this.retryLater(id, retryHeldSeconds * 1000);
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
      else this.fail(id, error);
    }
  }

  private fail(id: string, error: unknown): void {
    this.failed.add(id);
    this.logger.error(`conversation ${id} cannot be recovered`, errorStack(error));
  }
}
