import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { undefinedIfMissing } from '../../../files/index.js';
import type { PendingChange } from '../../delivery-store.js';

/** A change in a file. */
export class ChangeFile implements PendingChange {
  readonly kind = 'change';

  constructor(
    readonly conversationId: string,
    private readonly file: string,
    readonly since: number,
  ) {}

  get key(): string {
    return path.basename(this.file);
  }

  body(): Promise<string | undefined> {
    // Missing if another server considered this one dead and has taken over the file.
    return readFile(this.file, 'utf8').catch(undefinedIfMissing);
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }
}
