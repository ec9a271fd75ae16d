import path from 'node:path';
import { makeFolder } from '../../../files/index.js';
import { dashedUuid } from '../../../text/index.js';
import { namesIn } from './durable.js';
import { createPosition, readPosition, removePosition, writePosition } from './position-file.js';

/**
 * The delivery positions of one webhook, one file per conversation. A file exists from before the first
 * append of a server until the conversation is closed with all events delivered, so that a restart only needs
 * to look at existing files. Only the holder of a conversation's lease writes its file.
 */
export class Cursors {
  private made: Promise<void> | undefined;

  constructor(private readonly folder: string) {}

  /** Returns the stored position; stores `position` if there is none. */
  async ensure(conversationId: string, position: number): Promise<number> {
    const known = await this.read(conversationId);
    if (known !== undefined) return known;
    await this.set(conversationId, position);
    return position;
  }

  read(conversationId: string): Promise<number | undefined> {
    return readPosition(this.file(conversationId));
  }

  /** Stores a position that is to survive a power failure. */
  async set(conversationId: string, position: number): Promise<void> {
    await this.makeFolder();
    await createPosition(this.file(conversationId), position);
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

  private async makeFolder(): Promise<void> {
    this.made ??= makeFolder(this.folder).catch((error: unknown) => {
      this.made = undefined;
      throw error;
    });
    await this.made;
  }

  private file(conversationId: string): string {
    return path.join(this.folder, conversationId.replaceAll('-', ''));
  }
}
