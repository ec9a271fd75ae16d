import { SerialQueue } from '../../../flow/index.js';
import type { LeaseFence, LeaseOwner } from '../../lease-store.js';
import type { LeaseFile } from './lease-file.js';
import { released } from './lease-record.js';

/** A lease that this process has acquired. Its file operations are serialized. */
export class FileLease implements LeaseFence {
  private state: 'held' | 'lost' | 'released' = 'held';
  private readonly accesses = new SerialQueue();
  private readonly lostListeners: (() => void)[] = [];

  constructor(
    readonly conversationId: string,
    private readonly file: LeaseFile,
    private lease: LeaseOwner,
    private readonly ttlMs: number,
  ) {}

  get generation(): number {
    return this.lease.generation;
  }

  /** Neither lost nor released; it may be overdue. */
  get isHeld(): boolean {
    return this.state === 'held';
  }

  get isReleased(): boolean {
    return this.state === 'released';
  }

  isValid(): boolean {
    // By the wall clock, as other servers judge it: a process that was frozen past its lease sees at once
    // that it is overdue.
    return this.state === 'held' && Date.now() < this.lease.expires_at * 1000;
  }

  confirm(): Promise<boolean> {
    return this.isValid()
      ? Promise.resolve(true)
      : this.accesses.run(async () => this.isValid() || this.renewNow());
  }

  /** Renews the lease. False when it was lost or released. */
  renew(): Promise<boolean> {
    return this.accesses.run(() => this.renewNow());
  }

  /** Releases the lease. */
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
    else this.markLost();
    return this.isValid();
  }

  onLost(listener: () => void): void {
    this.lostListeners.push(listener);
  }

  private markLost(): void {
    // It may have been released meanwhile.
    if (this.state !== 'held') return;
    this.state = 'lost';
    for (const listener of this.lostListeners) listener();
  }
}
