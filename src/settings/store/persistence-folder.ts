import { constants } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { FolderLock, makeFolder, replaceFile, resolveLink, type StillHeld } from '../../files/index.js';
import { toStorageError } from '../../storage/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { DamagedFileError, TooLargeError } from '../settings-errors.js';

/** Bytes of one file: what is larger is not read, and not written either. */
const MAX_BYTES = 8 * 1024 * 1024;
/** What a write that was cut off leaves behind. */
const LEFTOVER = /^\..*\.[0-9a-f]{8}(?:[0-9a-f]{4})?\.tmp$/;

/**
 * The folder that OpenHands programs of one user share: JSON files, readable by their owner only. A file is
 * replaced as a whole, so that readers see the old or the new one. Names are relative to the folder and never
 * come from clients unchecked.
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
   * The object in a file; undefined where there is no file.
   * @throws DamagedFileError for anything that is not a JSON object, StorageFailedError
   */
  async read(name: string): Promise<JsonObject | undefined> {
    const text = await this.text(name);
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      if (isJsonObject(value)) return value;
    } catch {
      // Not the text of the parser: it repeats what it read, and that may be a secret.
      throw new DamagedFileError(this.path(name), 'it is not JSON');
    }
    throw new DamagedFileError(this.path(name), 'it does not hold a JSON object');
  }

  /** Names of the `.json` files of a folder without their ending, sorted. */
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
   * Changes files while nobody else does: read inside what is changed.
   * @throws FolderBusyError, StorageFailedError, and whatever the work throws
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

  /** Removes what crashed writers left in a folder, once. Only while the lock is held. */
  async sweep(folder: string): Promise<void> {
    if (this.swept.has(folder)) return;
    this.swept.add(folder);
    for (const file of await readdir(folder)) {
      if (LEFTOVER.test(file)) await rm(path.join(folder, file), { force: true });
    }
  }

  private async text(name: string): Promise<string | undefined> {
    try {
      // Without blocking: a named pipe in the place of a file must not keep a thread waiting.
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

/** Writes files of a folder that is locked. */
export class FolderWriter {
  constructor(
    private readonly folder: PersistenceFolder,
    private readonly stillHeld: StillHeld,
  ) {}

  /**
   * Puts an object in a file. After a crash there is the old or the new one.
   * @throws TooLargeError
   */
  async write(name: string, value: JsonObject): Promise<void> {
    const content = JSON.stringify(value, null, 2);
    if (Buffer.byteLength(content) > MAX_BYTES) throw new TooLargeError(MAX_BYTES);
    const file = this.folder.path(name);
    await makeFolder(path.dirname(file), 0o700);
    // Where somebody keeps it elsewhere, behind a symbolic link, it stays there.
    const target = await resolveLink(file);
    await this.folder.sweep(path.dirname(target));
    await replaceFile(target, content, {
      mode: 0o600,
      flush: 'content and name',
      beforeRename: this.stillHeld,
    });
  }

  /** Gives a file that cannot be read another name: nobody's text is lost for a new one. */
  async setAside(name: string): Promise<void> {
    await this.stillHeld();
    const file = this.folder.path(name);
    await rename(file, `${file}.damaged-${Date.now()}`);
  }

  /** Removes a file, if it is there. */
  async remove(name: string): Promise<void> {
    await this.stillHeld();
    await rm(this.folder.path(name), { force: true });
  }
}
