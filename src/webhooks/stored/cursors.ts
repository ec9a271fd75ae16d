import path from 'node:path';
import { makeFolder } from '../../files/index.js';
import { dashedUuid } from '../../text/index.js';
import { namesIn } from './durable.js';
import { createPosition, readPosition, removePosition, writePosition } from './position-file.js';

/**
 * How far one webhook has delivered each conversation. A file stands there from before the first event that a
 * server appends until the conversation is closed with all delivered: so the files that a restart finds are
 * all it looks at. Only who holds the lease of a conversation writes its file.
 */
export class Cursors {
  private made: Promise<void> | undefined;

  constructor(private readonly folder: string) {}

  /** The stored position, or `position`, stored now. */
  async ensure(conversationId: string, position: number): Promise<number> {
    const known = await this.read(conversationId);
    if (known !== undefined) return known;
    this.made ??= makeFolder(this.folder).catch((error: unknown) => {
      this.made = undefined;
      throw error;
    });
    await this.made;
    await createPosition(this.file(conversationId), position);
    return position;
  }

  read(conversationId: string): Promise<number | undefined> {
    return readPosition(this.file(conversationId));
  }

  write(conversationId: string, position: number): Promise<void> {
    return writePosition(this.file(conversationId), position);
  }

  remove(conversationId: string): Promise<void> {
    return removePosition(this.file(conversationId));
  }

  /** The conversations that have a position. */
  async list(): Promise<string[]> {
    const names = await namesIn(this.folder);
    return names.filter((name) => /^[0-9a-f]{32}$/.test(name)).map(dashedUuid);
  }

  private file(conversationId: string): string {
    return path.join(this.folder, conversationId.replaceAll('-', ''));
  }
}
