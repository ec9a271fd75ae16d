import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import type { Delivery, Lane } from './channel.js';

/** Pending changes of one conversation: files, in order. */
export class PostLane implements Lane {
  private readonly entries: { file: string; since: number }[] = [];

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

  /** @param since when the change was made (ms since the epoch) */
  push(file: string, since: number): void {
    this.entries.push({ file, since });
  }

  /** Changes never wait for more. */
  flush(): void {
    return;
  }

  async next(): Promise<Delivery | undefined> {
    const [entry] = this.entries;
    if (entry === undefined) return undefined;
    const { file } = entry;
    let body: string;
    try {
      body = await readFile(file, 'utf8');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      // Another server considered this one dead and has taken over the file.
      this.entries.shift();
      return this.next();
    }
    const done = async (): Promise<void> => {
      await rm(file, { force: true });
      this.entries.shift();
    };
    const digest = createHash('sha256').update(path.basename(file)).update(body).digest('hex');
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
