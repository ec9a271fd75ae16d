import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { SERVER_LEFT, StorageFailedError, type Hints, type LeaseStore } from '../../storage/index.js';
import type { CrashRecovery } from '../runs/crash-recovery.js';
import type { RunSlots } from '../runs/run-slots.js';

/**
 * How many conversations are taken at a time, so that servers that look at the same time share them. Also the
 * bound of what one look reads.
 */
const BATCH = 16;

/**
 * Takes up conversations that were running on a server that is gone, and recovers them as after a crash of
 * this server. Each is taken by one server only: by whoever gets its lease. If runs are resumed, a server
 * takes only what it has slots for, and leaves the rest to others or for later.
 */
export class Takeover {
  private readonly logger = new Logger('Cluster');
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private stopListening: () => void = () => undefined;
  private isStopped = false;
  /** The last failure was logged. */
  private isFailing = false;

  constructor(
    private readonly leases: LeaseStore,
    private readonly hints: Hints,
    private readonly slots: RunSlots,
    private readonly recovery: CrashRecovery,
    private readonly options: { resume: boolean; intervalMs: number },
  ) {}

  /** Looks for such conversations now, again and again, and when a server says that it has ended. */
  start(): void {
    this.stopListening = this.hints.listen(SERVER_LEFT, () => void this.look());
    this.timer = setInterval(() => void this.look(), this.options.intervalMs).unref();
    void this.look();
  }

  /** Takes nothing any more; resolves when nothing is being taken. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    this.stopListening();
    await this.looking;
  }

  private look(): Promise<void> {
    this.looking ??= this.takeAll().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async takeAll(): Promise<void> {
    try {
      while (!this.isStopped && (await this.takeSome()));
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.report(error);
      this.isFailing = true;
    }
  }

  /** Returns whether there may be more that this server can take at once. */
  private async takeSome(): Promise<boolean> {
    const { room, recovery } = this;
    if (room <= 0) return false;
    const abandoned = await this.leases.abandoned(room + recovery.failed.size);
    const found = abandoned.filter((id) => !recovery.failed.has(id)).slice(0, room);
    if (found.length === 0 || this.isStopped) return false;
    this.logger.log(`taking up ${found.length} conversations without a server`);
    for (const id of found) recovery.add(id);
    await recovery.settled();
    // What is still without a server (its storage fails) has to wait for the next look.
    const left = new Set(await this.leases.abandoned(room));
    return left.size > 0 && found.every((id) => !left.has(id));
  }

  /** How many conversations this server may take now. */
  private get room(): number {
    if (!this.options.resume) return BATCH;
    return Math.min(BATCH, this.slots.limit - this.slots.running - this.recovery.waiting);
  }

  /** An outage of the storage was logged by whoever noticed it first. */
  private report(error: unknown): void {
    if (error instanceof StorageFailedError) return;
    this.logger.error(`conversations without a server could not be found: ${errorMessage(error)}`);
  }
}
