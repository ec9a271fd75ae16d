import { constants } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../../errors/index.js';
import { FolderLock, makeFolder, replaceFile, resolveLink, type StillHeld } from '../../../files/index.js';
import type { JsonObject } from '../../../json/index.js';
import { documentText, parseDocument, withinLimit } from '../../document-content.js';
import { DOCUMENT_FOLDERS, Documents, DocumentWriter, MAX_DOCUMENT_BYTES } from '../../documents.js';
import { DamagedDocumentError } from '../../document-errors.js';
import { toStorageError } from '../../storage-errors.js';

/** Left behind by interrupted writes. */
const TEMPORARY_FILE = /^\..*\.[0-9a-f]{8}(?:[0-9a-f]{4})?\.tmp$/;

/**
 * Documents as files of a folder, readable by their owner only. The user's folder is shared by all OpenHands
 * programs. Files are replaced atomically, so that readers see the old or the new content. What was written
 * before a change failed stays.
 */
export class FileDocuments extends Documents {
  private readonly lock: FolderLock;
  private readonly swept = new Set<string>();

  /**
   * @param root absolute path
   * @param isListed the names of `list`; other programs have further files in the folder
   */
  constructor(
    private readonly root: string,
    private readonly isListed: (name: string) => boolean = () => true,
  ) {
    super();
    this.lock = new FolderLock(root, '.agent-server.lock');
  }

  async read(name: string): Promise<JsonObject | undefined> {
    const text = await this.readText(name);
    return text === undefined ? undefined : parseDocument(this.placeOf(name), text);
  }

  async names(folder: string): Promise<string[]> {
    return (await this.files(folder))
      .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
      .map((file) => file.slice(0, -'.json'.length))
      .sort();
  }

  /** @throws FolderBusyError, StorageFailedError, and the errors of `work` */
  async change<T>(work: (writer: DocumentWriter) => Promise<T>): Promise<T> {
    try {
      await makeFolder(this.root, 0o700);
      return await this.lock.hold((stillHeld) => work(new FolderWriter(this, stillHeld)));
    } catch (error) {
      throw toStorageError(error);
    }
  }

  placeOf(name: string): string {
    return path.join(this.root, name);
  }

  async list(): Promise<string[]> {
    const names: string[] = [];
    for (const folder of DOCUMENT_FOLDERS) {
      for (const file of await this.files(folder)) names.push(path.posix.join(folder, file));
    }
    return names.filter((name) => this.isListed(name)).sort();
  }

  async readText(name: string): Promise<string | undefined> {
    try {
      // Non-blocking: a named pipe instead of a file must not block a thread.
      const handle = await open(this.placeOf(name), NONBLOCKING);
      try {
        const stats = await handle.stat();
        if (!stats.isFile()) throw new DamagedDocumentError(this.placeOf(name), 'it is not a file');
        if (stats.size > MAX_DOCUMENT_BYTES)
          throw new DamagedDocumentError(this.placeOf(name), 'it is too large');
        return await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw toStorageError(error);
    }
  }

  /** Removes files of crashed writers from a folder, once. The lock must be held. */
  async sweep(folder: string): Promise<void> {
    if (this.swept.has(folder)) return;
    this.swept.add(folder);
    for (const file of await readdir(folder)) {
      if (TEMPORARY_FILE.test(file)) await rm(path.join(folder, file), { force: true });
    }
  }

  private async files(folder: string): Promise<string[]> {
    return readdir(this.placeOf(folder)).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw toStorageError(error);
    });
  }
}

const NONBLOCKING = constants.O_RDONLY | constants.O_NONBLOCK;

/** Writes files of a locked folder. */
class FolderWriter extends DocumentWriter {
  constructor(
    private readonly folder: FileDocuments,
    private readonly stillHeld: StillHeld,
  ) {
    super();
  }

  async write(name: string, value: JsonObject): Promise<void> {
    await this.replace(name, documentText(value));
  }

  async writeText(name: string, text: string): Promise<void> {
    await this.replace(name, withinLimit(text));
  }

  async setAside(name: string): Promise<void> {
    await this.stillHeld();
    const file = this.folder.placeOf(name);
    await rename(file, `${file}.damaged-${Date.now()}`);
  }

  async remove(name: string): Promise<void> {
    await this.stillHeld();
    await rm(this.folder.placeOf(name), { force: true });
  }

  private async replace(name: string, content: string): Promise<void> {
    const file = this.folder.placeOf(name);
    await makeFolder(path.dirname(file), 0o700);
    // A symbolic link is kept: its target is replaced.
    const target = await resolveLink(file);
    await this.folder.sweep(path.dirname(target));
    await replaceFile(target, content, {
      mode: 0o600,
      flush: 'content and name',
      beforeRename: this.stillHeld,
    });
  }
}
