import { stat } from 'node:fs/promises';
import { undefinedIfMissing } from '../../../files/index.js';
import { SerialQueue } from '../../../flow/index.js';
import type { FollowedLog } from '../../event-log.js';
import { toFileError } from '../../storage-errors.js';
import { FOREIGN_LOG } from './log-bounds.js';
import { LogFile } from './log-file.js';
import { LogLines } from './log-lines.js';

const FILE_NAME_IN_ERRORS = 'its log';
const NEWLINE = 10;

/**
 * The log of a conversation that a server in a container writes. A look at it reads what is behind the known
 * lines. Whoever may write it may also put another file in its place, cut it or write it anew: then it is
 * read again from its beginning.
 */
export class FollowedFileLog implements FollowedLog {
  private opened: { file: LogFile; lines: LogLines; inode: bigint } | undefined;
  /** Two looks at the same time would count a line twice. */
  private readonly looks = new SerialQueue();
  private isClosed = false;
  /** Why the last look has failed: what is known may be wrong. */
  private failure: { error: unknown } | undefined;

  constructor(
    private readonly conversationId: string,
    private readonly path: string,
  ) {}

  get length(): number {
    return this.opened?.lines.length ?? 0;
  }

  refresh(): Promise<void> {
    return this.looks.run(() => this.look());
  }

  private async look(): Promise<void> {
    this.assertOpen();
    this.failure = undefined;
    try {
      const found = await stat(this.path, { bigint: true }).catch(undefinedIfMissing);
      if (!found) return await this.forget();
      const { opened } = this;
      const size = Number(found.size);
      if (opened?.inode === found.ino && size === opened.lines.byteLength) return;
      const isLonger = opened?.inode === found.ino && size > opened.lines.byteLength;
      if (!isLonger || !(await endsLikeBefore(opened))) await this.reopen(found.ino);
      await this.opened?.lines.scan();
    } catch (error) {
      await this.forget();
      const failure = toFileError(this.conversationId, FILE_NAME_IN_ERRORS, error);
      this.failure = { error: failure };
      throw failure;
    }
  }

  async read(fromSeq: number, limit: number): Promise<string[]> {
    this.assertOpen();
    if (this.failure) throw this.failure.error;
    try {
      return (await this.opened?.lines.read(fromSeq, limit)) ?? [];
    } catch (error) {
      throw toFileError(this.conversationId, FILE_NAME_IN_ERRORS, error);
    }
  }

  seqOf(id: string): Promise<number | undefined> {
    return Promise.resolve(this.opened?.lines.seqOf(id));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.looks.run(() => this.forget());
  }

  private assertOpen(): void {
    if (this.isClosed) throw new Error(`the log of conversation ${this.conversationId} is closed`);
  }

  private async forget(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    await opened?.file.close();
  }

  private async reopen(inode: bigint): Promise<void> {
    await this.forget();
    const file = new LogFile(this.path);
    this.opened = { file, lines: new LogLines(this.conversationId, file, FOREIGN_LOG), inode };
  }
}

/** Whether the last known line still ends where it did. Only a look: other lines may have been changed. */
async function endsLikeBefore({ file, lines }: { file: LogFile; lines: LogLines }): Promise<boolean> {
  const end = lines.byteLength;
  if (end === 0) return true;
  const [last] = await file.read(end - 1, end);
  return last === NEWLINE;
}
