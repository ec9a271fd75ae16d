import type { LeaseFence } from '../../lease-store.js';

/** What a fence asks of its store. */
interface Keeper {
  isLive(): boolean;
  confirm(fence: PostgresFence): Promise<void>;
}

/** The right of this server to write a conversation: as long as the lease of the server is held. */
export class PostgresFence implements LeaseFence {
  private state: 'held' | 'lost' | 'released' = 'held';
  private readonly lostListeners: (() => void)[] = [];

  constructor(
    readonly conversationId: string,
    readonly generation: number,
    private readonly keeper: Keeper,
  ) {}

  /** Neither lost nor released; the lease of the server may be overdue. */
  get isHeld(): boolean {
    return this.state === 'held';
  }

  isValid(): boolean {
    return this.state === 'held' && this.keeper.isLive();
  }

  async confirm(): Promise<boolean> {
    if (this.state === 'held' && !this.keeper.isLive()) await this.keeper.confirm(this);
    return this.isValid();
  }

  onLost(listener: () => void): void {
    this.lostListeners.push(listener);
  }

  /** Marks it as released. Returns false if it was not held any more. */
  release(): boolean {
    if (this.state !== 'held') return false;
    this.state = 'released';
    return true;
  }

  /** Another server has the conversation, or may have it. */
  lose(): void {
    if (this.state !== 'held') return;
    this.state = 'lost';
    for (const listener of this.lostListeners) listener();
  }
}
