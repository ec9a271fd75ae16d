import { SerialQueue } from '../../../flow/index.js';
import type { LeaseFence, LeaseOwner } from '../../lease-store.js';
import type { LeaseFile } from './lease-file.js';
import { released } from './lease-record.js';

/** A lease that this process has taken. Reads and writes of its file happen one after another. */
export class FileLease implements LeaseFence {
  private state: 'held' | 'lost' | 'released' = 'held';
  private readonly accesses = new SerialQueue();
  private readonly losers: (() => void)[] = [];

  constructor(
    readonly conversationId: string,
    private readonly file: LeaseFile,
    private lease: LeaseOwner,
    private readonly ttlMs: number,
  ) {}

  get generation(): number {
    return this.lease.generation;
  }

  /** Neither known to be lost nor given back; it may be overdue. */
  get isHeld(): boolean {
    return this.state === 'held';
  }

  get isReleased(): boolean {
    return this.state === 'released';
  }

  isValid(): boolean {
    // By the clock on the wall, as others judge it: a process that was frozen past its lease finds it overdue
    // at once.
    return this.state === 'held' && Date.now() < this.lease.expires_at * 1000;
  }

  confirm(): Promise<boolean> {
    return this.isValid()
      ? Promise.resolve(true)
      : this.accesses.run(async () => this.isValid() || this.renewNow());
  }

  /** Extends the lease. False when it is lost or was given back. */
  renew(): Promise<boolean> {
    return this.accesses.run(() => this.renewNow());
  }

  /** Gives the lease back. */
  async release(): Promise<void> {
    const wasHeld = this.state === 'held';
    if (wasHeld) this.state = 'released';
    await this.accesses.run(async () => {
      if (wasHeld) await this.file.overwrite(this.lease, released(this.lease));
    });
  }

  private async renewNow(): Promise<boolean> {
    if (this.state !== 'held') return false;
    const next = { ...this.lease, expires_at: (Date.now() + this.ttlMs) / 1000 };
    if (await this.file.overwrite(this.lease, next)) this.lease = next;
    else this.lose();
    return this.isValid();
  }

  onLost(listener: () => void): void {
    this.losers.push(listener);
  }

  private lose(): void {
    // It may have been given back meanwhile: then nothing is lost.
    if (this.state !== 'held') return;
    this.state = 'lost';
    for (const listener of this.losers) listener();
  }
}
