import { constants } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { FolderLock, makeFolder, replaceFile, resolveLink, type StillHeld } from '../../files/index.js';
import { toStorageError } from '../../storage/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { DamagedFileError, TooLargeError } from '../settings-errors.js';

/** Maximum size of one file in bytes, for reading and writing. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Left behind by interrupted writes. */
const TEMPORARY_FILE = /^\..*\.[0-9a-f]{8}(?:[0-9a-f]{4})?\.tmp$/;

/**
 * The folder that the OpenHands programs of one user share: JSON files, readable by their owner only. Files
 * are replaced atomically, so that readers see the old or the new content. Names are relative to the folder;
 * callers must validate names from clients.
 */
export class PersistenceFolder {
  private readonly lock: FolderLock;
  private readonly swept = new Set<string>();

  constructor(
    /** Absolute path. */
    readonly root: string,
  ) {
    this.lock = new FolderLock(root, '.agent-server.lock');
  }

  /**
   * The object in a file; undefined if the file does not exist.
   * @throws DamagedFileError for anything that is not a JSON object, StorageFailedError
   */
  async read(name: string): Promise<JsonObject | undefined> {
    const text = await this.text(name);
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      if (isJsonObject(value)) return value;
    } catch {
      // The parser's message is not used: it quotes the text, which may be a secret.
      throw new DamagedFileError(this.path(name), 'it is not JSON');
    }
    throw new DamagedFileError(this.path(name), 'it does not hold a JSON object');
  }

  /** Names of the `.json` files of a folder without their extension, sorted. */
  async names(folder: string): Promise<string[]> {
    const files = await readdir(this.path(folder)).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw toStorageError(error);
    });
    return files
      .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
      .map((file) => file.slice(0, -'.json'.length))
      .sort();
  }

  /**
   * Changes files under the lock of the folder. Files that the change depends on must be read inside `work`.
   * @throws FolderBusyError, StorageFailedError, and the errors of `work`
   */
  async change<T>(work: (writer: FolderWriter) => Promise<T>): Promise<T> {
    try {
      await makeFolder(this.root, 0o700);
      return await this.lock.hold((stillHeld) => work(new FolderWriter(this, stillHeld)));
    } catch (error) {
      throw toStorageError(error);
    }
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  /** Removes files of crashed writers from a folder, once. The lock must be held. */
  async sweep(folder: string): Promise<void> {
    if (this.swept.has(folder)) return;
    this.swept.add(folder);
    for (const file of await readdir(folder)) {
      if (TEMPORARY_FILE.test(file)) await rm(path.join(folder, file), { force: true });
    }
  }

  private async text(name: string): Promise<string | undefined> {
    try {
      // Non-blocking: a named pipe instead of a file must not block a thread.
      const handle = await open(this.path(name), NONBLOCKING);
      try {
        const stats = await handle.stat();
        if (!stats.isFile()) throw new DamagedFileError(this.path(name), 'it is not a file');
        if (stats.size > MAX_BYTES) throw new DamagedFileError(this.path(name), 'it is too large');
        return await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw toStorageError(error);
    }
  }
}

const NONBLOCKING = constants.O_RDONLY | constants.O_NONBLOCK;

/** Writes files of a locked folder. */
export class FolderWriter {
  constructor(
    private readonly folder: PersistenceFolder,
    private readonly stillHeld: StillHeld,
  ) {}

  /**
   * Replaces a file atomically: after a crash it has the old or the new content.
   * @throws TooLargeError
   */
  async write(name: string, value: JsonObject): Promise<void> {
    const content = JSON.stringify(value, null, 2);
    if (Buffer.byteLength(content) > MAX_BYTES) throw new TooLargeError(MAX_BYTES);
    const file = this.folder.path(name);
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

  /** Renames a damaged file, so that its content is not lost. */
  async setAside(name: string): Promise<void> {
    await this.stillHeld();
    const file = this.folder.path(name);
    await rename(file, `${file}.damaged-${Date.now()}`);
  }

  /** Removes a file if it exists. */
  async remove(name: string): Promise<void> {
    await this.stillHeld();
    await rm(this.folder.path(name), { force: true });
  }
}
