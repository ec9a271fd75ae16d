import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { access, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { isMissing, replaceFile, syncFolder, syncFolderTogether } from '../../../files/index.js';
import { Catalogue, type CatalogueEntry, type StoredMetadata } from '../../catalogue.js';
import type { LeaseFence } from '../../lease-store.js';
import { DamagedConversationError, LeaseLostError, storageFailure } from '../../storage-errors.js';
import { StorageOptions } from '../../storage-options.js';
import { forEachBounded, KeyedSerialQueue } from '../../../flow/index.js';
import { CatalogueEntries } from './catalogue-entries.js';
import {
  conversationFolder,
  conversationIdOf,
  FILE_MODE,
  FIRST_METADATA_FILE,
  LOG_FILE,
  METADATA_FILE,
  UNFINISHED_FILE,
} from './conversation-folder.js';
import { makeFolder, putNewFile, removeFile } from '../log/durable-file.js';
import { formatMetadata, readEntry, readEntryNow, readMetadata } from './metadata-file.js';
import { isSettled } from './settled-stamp.js';

/** More do not help: the file system calls of a process run in four threads. */
const READS_AT_ONCE = 16;
const READ_BUFFER_BYTES = 16 * 1024;
/**
 * How long entries are read while everything else waits (ms). The disk is slow where that is enough for a few
 * only, again and again.
 */
const SLICE_MS = 4;
const MAX_REMEMBERED = 8;
const SLOW_SLICES = 3;

/** Folders of conversations that are being deleted; what a crash leaves of them goes at the next start. */
const DELETED_PREFIX = '.deleted-';

/** All conversations of a folder, each with its `metadata.json`. */
@Injectable()
export class FileCatalogue extends Catalogue implements OnApplicationBootstrap {
  private readonly logger = new Logger('Catalogue');
  private readonly entries = new CatalogueEntries();
  private readonly reported = new Set<string>();
  /** Writes and removals of one conversation follow each other. */
  private readonly changes = new KeyedSerialQueue();
  private scan: Promise<void> | undefined;
  private rescan: Promise<void> | undefined;
  /** When the folder had changed last (ms) at a scan that told all; undefined: look again. */
  private scannedAt: number | undefined;

  constructor(private readonly options: StorageOptions) {
    super();
  }

  /** Begins to read the entries as soon as the server listens; nobody waits for it here. */
  onApplicationBootstrap(): void {
    setImmediate(() => {
      this.ready().catch((error: unknown) =>
        this.logger.error(`conversations cannot be listed: ${String(error)}`),
      );
    });
  }

  override async list(): Promise<readonly CatalogueEntry[]> {
    await this.ready();
    // Another server on this folder makes and deletes conversations, too. All who ask meanwhile share one
    // look.
    this.rescan ??= this.scanIfChanged().finally(() => (this.rescan = undefined));
    await this.rescan;
    return this.entries.list();
  }

  override async has(id: string): Promise<boolean> {
    if (this.entries.get(id)) return true;
    await this.ready();
    // Another server on this folder may have made it since the list was read.
    if (this.entries.get(id)) return true;
    try {
      return (await this.load(id)) !== undefined;
    } catch (error) {
      // What is damaged is there, too: nobody may make another in its place.
      if (error instanceof DamagedConversationError) return true;
      throw error;
    }
  }

  override async childrenOf(id: string): Promise<string[]> {
    await this.ready();
    return this.entries.childrenOf(id);
  }

  override async load(id: string): Promise<StoredMetadata | undefined> {
    const file = path.join(this.folder(id), METADATA_FILE);
    try {
      return await readMetadata(file, id);
    } catch (error) {
      if (isShortage(error)) throw storageFailure(error);
      if (errorCode(error) === 'ENOENT') {
        const first = await this.loadFirst(id);
        // Without them it is what an interrupted creation leaves, or nothing.
        if (first ?? (await this.isUnfinished(id))) return first;
      }
      this.reportBroken(id, error);
      throw new DamagedConversationError(id, `${METADATA_FILE}: ${errorMessage(error)}`);
    }
  }

  override stampOf(id: string): Promise<string | undefined> {
    return Promise.resolve(this.stampNow(id));
  }

  private stampNow(id: string): string | undefined {
    const now = Date.now();
    try {
      // At once: a list asks this of each of its conversations, and the way to a thread takes ten times as
      // long as the answer.
      const { ino, size, mtimeMs, ctimeMs } = fs.statSync(path.join(this.folder(id), METADATA_FILE));
      if (!isSettled(Math.max(mtimeMs, ctimeMs), now)) return undefined;
      return [ino, size, mtimeMs, ctimeMs].join();
    } catch {
      // Whoever reads it learns why.
      return undefined;
    }
  }

  /**
   * The metadata of a conversation whose creation a power cut met when all of it was on disk but the last
   * name.
   */
  private async loadFirst(id: string): Promise<StoredMetadata | undefined> {
    const file = path.join(this.folder(id), FIRST_METADATA_FILE);
    if (isMissing(file)) return undefined;
    return readMetadata(file, id).catch((error: unknown) => {
      if (isShortage(error)) throw storageFailure(error);
      return undefined;
    });
  }

  override async begin(id: string): Promise<void> {
    const folder = this.folder(id);
    try {
      await makeFolder(folder);
      await writeFile(path.join(folder, UNFINISHED_FILE), '', { mode: FILE_MODE });
    } catch (error) {
      throw storageFailure(error);
    }
  }

  /**
   * Without its log, or with the mark that it is being made, a folder without metadata is no conversation
   * yet.
   */
  private async isUnfinished(id: string): Promise<boolean> {
    return !(await exists(this.logFile(id))) || (await exists(path.join(this.folder(id), UNFINISHED_FILE)));
  }

  override save(metadata: StoredMetadata, fence: LeaseFence): Promise<void> {
    const { id } = metadata;
    // The text now, not when its turn comes: the caller may change the object meanwhile.
    const text = formatMetadata(metadata);
    const entry = entryOf(metadata);
    return this.changes.run(id, async () => {
      await this.write(id, text, fence).catch((error: unknown) => {
        throw storageFailure(error);
      });
      this.entries.set(entry);
    });
  }

  override touch(entry: CatalogueEntry): void {
    // A conversation is listed from its first save on, and no longer than it exists.
    if (this.entries.get(entry.id)) this.entries.set(entry);
  }

  override remove(id: string): Promise<void> {
    return this.changes.run(id, async () => {
      // A scan that goes on would otherwise find it again.
      await this.ready();
      const folder = this.folder(id);
      const deleted = path.join(
        this.options.conversationsPath,
        `${DELETED_PREFIX}${path.basename(folder)}-${randomBytes(4).toString('hex')}`,
      );
      try {
        await rename(folder, deleted);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw storageFailure(error);
        this.entries.delete(id);
        return;
      }
      this.entries.delete(id);
      await syncFolder(this.options.conversationsPath);
      await this.removeFolder(deleted);
    });
  }

  override folder(id: string): string {
    return conversationFolder(this.options.conversationsPath, id);
  }

  private logFile(id: string): string {
    return path.join(this.folder(id), LOG_FILE);
  }

  private async write(id: string, text: string, fence: LeaseFence): Promise<void> {
    const folder = this.folder(id);
    const mayWrite = async (): Promise<void> => {
      if (!fence.isValid() && !(await fence.confirm())) throw new LeaseLostError(id);
    };
    await mayWrite();
    const isNew = !this.entries.get(id);
    if (isNew && (await this.writeFirst(folder, text, mayWrite))) return;
    // An owner that was frozen and one that took over must not share a temporary file.
    const temporary = path.join(folder, `${METADATA_FILE}.${fence.generation}.tmp`);
    const replace = () =>
      replaceFile(path.join(folder, METADATA_FILE), text, {
        temporary,
        replacesLink: true,
        mode: FILE_MODE,
        flush: 'content',
        beforeRename: mayWrite,
      });
    await replace().catch(async (error: unknown) => {
      // Whoever took the lease has made the folder, unless it is gone again.
      if (!isNew || errorCode(error) !== 'ENOENT') throw error;
      await makeFolder(folder);
      await replace();
    });
    for (const name of [UNFINISHED_FILE, FIRST_METADATA_FILE]) {
      if (!isMissing(path.join(folder, name))) await removeFile(path.join(folder, name));
    }
    // The lease may have made the folder: its name becomes durable with its first metadata.
    await Promise.all([syncFolder(folder), isNew && syncFolderTogether(this.options.conversationsPath)]);
  }

  /** @returns false where more is to be done: something stands in the folder already, or there is none */
  private async writeFirst(folder: string, text: string, mayWrite: () => Promise<void>): Promise<boolean> {
    const file = path.join(folder, METADATA_FILE);
    if (!isMissing(file) || !isMissing(path.join(folder, UNFINISHED_FILE))) return false;
    try {
      return await putNewFile(file, path.join(folder, FIRST_METADATA_FILE), text, mayWrite);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Resolves when all entries are known. A scan that failed is tried again by the next who asks. */
  private ready(): Promise<void> {
    this.scan ??= this.readAll().catch((error: unknown) => {
      this.scan = undefined;
      throw storageFailure(error);
    });
    return this.scan;
  }

  private async readAll(): Promise<void> {
    void this.removeLeftovers(await this.readNew());
  }

  private async scanIfChanged(): Promise<void> {
    if (this.scannedAt === undefined || this.scannedAt !== this.changedAt()) await this.readNew();
  }

  /** When a name was last added to or taken out of the folder (ms); undefined where there is none. */
  private changedAt(): number | undefined {
    return fs.statSync(this.options.conversationsPath, { throwIfNoEntry: false })?.mtimeMs;
  }

  /**
   * Reads the entries that are not known yet and drops those whose folder is gone.
   * @returns the names of all that is in the folder
   */
  private async readNew(): Promise<string[]> {
    const startedAt = Date.now();
    const changedAt = this.changedAt();
    const known = this.entries.list();
    const names = (await readdir(this.options.conversationsPath).catch(undefinedIfMissing)) ?? [];
    const found = new Set(names.map(conversationIdOf));
    for (const { id } of known) if (!found.has(id) && !this.changes.has(id)) this.entries.delete(id);
    const buffers: Buffer[] = [];
    const unfinished: string[] = [];
    const unknown = [...found].filter((id): id is string => id !== undefined && !this.entries.get(id));
    await forEachBounded(await this.readQuickly(unknown), READS_AT_ONCE, async (id) => {
      const buffer = buffers.pop() ?? Buffer.allocUnsafe(READ_BUFFER_BYTES);
      if (!(await this.readOne(id, buffer))) unfinished.push(id);
      buffers.push(buffer);
    });
    const settled = changedAt !== undefined && isSettled(changedAt, startedAt);
    this.scannedAt = settled && unfinished.length === 0 ? changedAt : undefined;
    return names;
  }

  /**
   * Where the disk answers at once a thread for each call costs several times the call: then entries are read
   * right here, for some milliseconds at a time.
   * @returns what is left to read otherwise
   */
  private async readQuickly(ids: readonly string[]): Promise<string[]> {
    const left: string[] = [];
    const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);
    let slow = 0;
    for (let next = 0; next < ids.length && slow < SLOW_SLICES;) {
      const [first, started] = [next, performance.now()];
      for (; next < ids.length && performance.now() - started < SLICE_MS; next += 1) {
        const id = ids[next] ?? '';
        const entry = readEntryNow(path.join(this.folder(id), METADATA_FILE), id, buffer);
        if (entry) this.takeIn(entry);
        else left.push(id);
      }
      slow = next - first < MAX_REMEMBERED ? slow + 1 : 0;
      if (slow === SLOW_SLICES) return left.concat(ids.slice(next));
      await nextTurn();
    }
    return left;
  }

  /** What was saved meanwhile is newer, and what is just being removed does not come back. */
  private takeIn(entry: CatalogueEntry): void {
    if (!this.entries.get(entry.id) && !this.changes.has(entry.id)) this.entries.set(entry);
  }

  /** @returns false for a folder without metadata: somebody may be creating it just now */
  private async readOne(id: string, buffer: Buffer): Promise<boolean> {
    const folder = this.folder(id);
    try {
      this.takeIn(await readEntry(path.join(folder, METADATA_FILE), id, buffer));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        const first = await this.loadFirst(id);
        if (first) {
          this.takeIn(entryOf(first));
          return true;
        }
        // It is what an interrupted creation leaves: nothing was acknowledged, nothing is missing.
        if (await this.isUnfinished(id)) return false;
      }
      if (isShortage(error)) throw storageFailure(error);
      this.reportBroken(id, error);
    }
    return true;
  }

  private reportBroken(id: string, error: unknown): void {
    this.entries.delete(id);
    if (this.reported.has(id)) return;
    this.reported.add(id);
    const reason = errorMessage(error);
    this.logger.error(
      `conversation ${id} is left out: ${path.join(this.folder(id), METADATA_FILE)}: ${reason}`,
    );
  }

  /** Of the names in the folder, those of deleted conversations. */
  private async removeLeftovers(names: readonly string[]): Promise<void> {
    for (const name of names.filter((it) => it.startsWith(DELETED_PREFIX)))
      await this.removeFolder(path.join(this.options.conversationsPath, name));
  }

  /** Removes a folder that is no conversation any more. What cannot be removed now goes at the next start. */
  private async removeFolder(folder: string): Promise<void> {
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      this.logger.warn(`${folder} could not be removed: ${String(error)}`);
    }
  }
}

/** Only the fields of the list: the rest would stay in memory. */
function entryOf({ id, created_at, updated_at, execution_status, parent_conversation_id }: CatalogueEntry) {
  return { id, created_at, updated_at, execution_status, parent_conversation_id };
}

/** This process has too much open: it says nothing of the file. */
function isShortage(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes(errorCode(error) ?? '');
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function undefinedIfMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT') return undefined;
  throw error;
}
