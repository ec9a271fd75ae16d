import { createHash } from 'node:crypto';
import type { PendingChange } from '../../storage/index.js';
import type { Delivery, Lane } from './channel.js';

/** Pending changes of one conversation, in order. */
export class PostLane implements Lane {
  private readonly entries: PendingChange[] = [];

  constructor(
    readonly conversationId: string,
    private readonly url: string,
    private readonly onEmpty: () => void,
  ) {}

  get waiting(): number {
    return this.entries.length;
  }

  get dueAt(): number | undefined {
    return this.entries.length > 0 ? 0 : undefined;
  }

  get oldestAt(): number | undefined {
    return this.entries[0]?.since;
  }

  push(change: PendingChange): void {
    this.entries.push(change);
  }

  /** Changes never wait for more. */
  flush(): void {
    return;
  }

  async next(): Promise<Delivery | undefined> {
    const [entry] = this.entries;
    if (entry === undefined) return undefined;
    const body = await entry.body();
    if (body === undefined) {
      this.entries.shift();
      return this.next();
    }
    const done = async (): Promise<void> => {
      await entry.remove();
      this.entries.shift();
    };
    const digest = createHash('sha256').update(entry.key).update(body).digest('hex');
    return {
      url: this.url,
      id: `msg_${digest.slice(0, 32)}`,
      conversationId: this.conversationId,
      body,
      events: 0,
      delivered: done,
      drop: done,
    };
  }

  onIdle(): void {
    if (this.entries.length === 0) this.onEmpty();
  }
}
