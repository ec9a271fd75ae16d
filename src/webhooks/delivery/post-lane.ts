import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import type { Delivery, Lane } from './channel.js';

/** Pending changes of one conversation: files, in order. */
export class PostLane implements Lane {
  private readonly files: string[] = [];

  constructor(
    readonly conversationId: string,
    private readonly url: string,
    private readonly onEmpty: () => void,
  ) {}

  get waiting(): number {
    return this.files.length;
  }

  get dueAt(): number | undefined {
    return this.files.length > 0 ? 0 : undefined;
  }

  push(file: string): void {
    this.files.push(file);
  }

  async next(): Promise<Delivery | undefined> {
    const [file] = this.files;
    if (file === undefined) return undefined;
    let body: string;
    try {
      body = await readFile(file, 'utf8');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      // Another server considered this one dead and has taken over the file.
      this.files.shift();
      return this.next();
    }
    const done = async (): Promise<void> => {
      await rm(file, { force: true });
      this.files.shift();
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
    if (this.files.length === 0) this.onEmpty();
  }
}
