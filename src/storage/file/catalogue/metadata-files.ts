import fs from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../../errors/index.js';
import { isMissing, replaceFile, syncFolder, syncFolderTogether } from '../../../files/index.js';
import type { CatalogueEntry, StoredMetadata } from '../../catalogue.js';
import type { LeaseFence } from '../../lease-store.js';
import { LeaseLostError, toStorageError } from '../../storage-errors.js';
import {
  conversationFolder,
  FILE_MODE,
  FIRST_METADATA_FILE,
  LOG_FILE,
  METADATA_FILE,
  UNFINISHED_FILE,
} from '../conversation-folder.js';
import { makeFolder, putNewFile, removeFile } from '../log/durable-file.js';
import { isSettled } from '../settled-stamp.js';
import { readEntry, readEntrySync, readMetadata, readMetadataSync } from './metadata-file.js';

/**
 * Longest metadata that are read of a conversation that somebody else writes (bytes): to parse them holds up
 * the server.
 */
const MAX_FOREIGN_BYTES = 8 * 1024 * 1024;

/** The metadata files in the folders of conversations. Keeps nothing in memory. */
export class MetadataFiles {
  constructor(
    private readonly conversationsPath: string,
    /** Whether a conversation is written by a server in a container, which an agent may have replaced. */
    private readonly isForeign: (id: string) => boolean = () => false,
  ) {}

  folder(id: string): string {
    return conversationFolder(this.conversationsPath, id);
  }

  /** The path of `metadata.json`. */
  path(id: string): string {
    return path.join(this.folder(id), METADATA_FILE);
  }

  /**
   * @returns undefined when there is no conversation
   * @throws StorageFailedError, and any other error for damaged metadata
   */
  read(id: string): Promise<StoredMetadata | undefined> {
    return this.readWith(id, () => readMetadata(this.path(id), id, this.maxBytes(id)));
  }

  /**
   * Like `read`, for the fields of the list.
   * @param buffer scratch space, see `readEntry`
   */
  readEntry(id: string, buffer: Buffer): Promise<CatalogueEntry | undefined> {
    return this.readWith<CatalogueEntry>(id, () => readEntry(this.path(id), id, buffer, this.maxBytes(id)));
  }

  /** The entry, or undefined if it takes more than reading a file in our format. */
  readEntrySync(id: string, buffer: Buffer): CatalogueEntry | undefined {
    return readEntrySync(this.path(id), id, buffer);
  }

  /** As `read`, at once. Undefined also if something is wrong: then `read` tells what. */
  readSync(id: string): StoredMetadata | undefined {
    return readMetadataSync(this.path(id), id);
  }

  /** See `Catalogue.stampOf`. */
  stampOf(id: string): string | undefined {
    const now = Date.now();
    try {
      // Synchronous: lists call it for each conversation, and a thread takes ten times as long.
      const { ino, size, mtimeMs, ctimeMs } = fs.statSync(this.path(id));
      if (!isSettled(Math.max(mtimeMs, ctimeMs), now)) return undefined;
      return [ino, size, mtimeMs, ctimeMs].join();
    } catch {
      // Reading the metadata reports the error.
      return undefined;
    }
  }

  /** Marks a conversation as being created. */
  async markUnfinished(id: string): Promise<void> {
    const folder = this.folder(id);
    await makeFolder(folder);
    await writeFile(path.join(folder, UNFINISHED_FILE), '', { mode: FILE_MODE });
  }

  /**
   * Replaces the metadata; they are durable afterwards.
   * @param isNew the conversation has no metadata yet, as far as the caller knows
   * @throws LeaseLostError
   */
  async write(id: string, text: string, fence: LeaseFence, isNew: boolean): Promise<void> {
    const folder = this.folder(id);
    const assertHeld = async (): Promise<void> => {
      if (!fence.isValid() && !(await fence.confirm())) throw new LeaseLostError(id);
    };
    await assertHeld();
    if (isNew && (await this.create(folder, text, assertHeld))) return;
    // A frozen owner and its successor must not share a temporary file.
    const temporary = path.join(folder, `${METADATA_FILE}.${fence.generation}.tmp`);
    const replace = () =>
      replaceFile(path.join(folder, METADATA_FILE), text, {
        temporary,
        replacesLink: true,
        mode: FILE_MODE,
        flush: 'content',
        beforeRename: assertHeld,
      });
    await replace().catch(async (error: unknown) => {
      // Acquiring the lease has created the folder, unless it was deleted since.
      if (!isNew || errorCode(error) !== 'ENOENT') throw error;
      await makeFolder(folder);
      await replace();
    });
    for (const name of [UNFINISHED_FILE, FIRST_METADATA_FILE]) {
      if (!isMissing(path.join(folder, name))) await removeFile(path.join(folder, name));
    }
    // The lease may have created the folder without a flush: its name becomes durable here.
    await Promise.all([syncFolder(folder), isNew && syncFolderTogether(this.conversationsPath)]);
  }

  /** @returns false if the folder is missing or already contains files of a creation */
  private async create(folder: string, text: string, mayPut: () => Promise<void>): Promise<boolean> {
    const file = path.join(folder, METADATA_FILE);
    if (!isMissing(file) || !isMissing(path.join(folder, UNFINISHED_FILE))) return false;
    try {
      return await putNewFile(file, path.join(folder, FIRST_METADATA_FILE), text, mayPut);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  private async readWith<T>(id: string, read: () => Promise<T>): Promise<T | StoredMetadata | undefined> {
    try {
      return await read();
    } catch (error) {
      if (isOutOfResources(error)) throw toStorageError(error);
      if (errorCode(error) !== 'ENOENT') throw error;
      const first = await this.readFirst(id);
      // Otherwise it is an interrupted creation, or nothing.
      if (first ?? (await this.isUnfinished(id))) return first;
      throw error;
    }
  }

  private maxBytes(id: string): number {
    return this.isForeign(id) ? MAX_FOREIGN_BYTES : Infinity;
  }

  /** The metadata of a creation that a power cut interrupted just before the last rename. */
  private async readFirst(id: string): Promise<StoredMetadata | undefined> {
    const file = path.join(this.folder(id), FIRST_METADATA_FILE);
    if (isMissing(file)) return undefined;
    return readMetadata(file, id, this.maxBytes(id)).catch((error: unknown) => {
      if (isOutOfResources(error)) throw toStorageError(error);
      return undefined;
    });
  }

  /** A folder without metadata is not a conversation if it has no log or the mark of a creation. */
  private async isUnfinished(id: string): Promise<boolean> {
    const folder = this.folder(id);
    return !(await exists(path.join(folder, LOG_FILE))) || (await exists(path.join(folder, UNFINISHED_FILE)));
  }
}

/** This process has too many open files or too little memory: that says nothing about the file. */
function isOutOfResources(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes(errorCode(error) ?? '');
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
