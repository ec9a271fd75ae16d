import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { syncFolder, undefinedIfMissing } from '../../../files/index.js';
import { forEachBounded, KeyedSerialQueue } from '../../../flow/index.js';
import { Catalogue, type CatalogueEntry, type StoredMetadata } from '../../catalogue.js';
import type { LeaseFence } from '../../lease-store.js';
import { DamagedConversationError, StorageFailedError, toStorageError } from '../../storage-errors.js';
import { StorageOptions } from '../../storage-options.js';
import { conversationIdOf, METADATA_FILE } from '../conversation-folder.js';
import { isSettled } from '../settled-stamp.js';
import { CatalogueEntries } from './catalogue-entries.js';
import { formatMetadata } from './metadata-file.js';
import { MetadataFiles } from './metadata-files.js';

/** More do not help: the thread pool of a process has four threads. */
const MAX_PARALLEL_READS = 16;
const READ_BUFFER_BYTES = 16 * 1024;
/** Time for which entries are read synchronously before yielding (ms). */
const SLICE_MS = 4;
/** A slice that reads fewer entries is slow; after this many slow slices the disk is considered slow. */
const MIN_ENTRIES_PER_SLICE = 8;
const MAX_SLOW_SLICES = 3;

/** Folders of conversations that are being deleted; the next start deletes what a crash leaves of them. */
const DELETED_PREFIX = '.deleted-';

/** The conversations in a folder, each with its `metadata.json`. */
@Injectable()
export class FileCatalogue extends Catalogue implements OnApplicationBootstrap {
  private readonly logger = new Logger('Catalogue');
  private readonly entries = new CatalogueEntries();
  private readonly files: MetadataFiles;
  private readonly reported = new Set<string>();
  /** Writes and removals of each conversation. */
  private readonly changes = new KeyedSerialQueue();
  private scan: Promise<void> | undefined;
  private rescan: Promise<void> | undefined;
  /** Modification time of the folder (ms) at the last complete scan; undefined: scan again. */
  private scannedAt: number | undefined;

  constructor(private readonly options: StorageOptions) {
    super();
    this.files = new MetadataFiles(options.conversationsPath);
  }

  /** Starts to read the entries in the background as soon as the server listens. */
  onApplicationBootstrap(): void {
    setImmediate(() => {
      this.ready().catch((error: unknown) =>
        this.logger.error(`conversations cannot be listed: ${String(error)}`),
      );
    });
  }

  override async list(): Promise<readonly CatalogueEntry[]> {
    await this.ready();
    // Other servers may create and delete conversations in this folder. Concurrent callers share a scan.
    this.rescan ??= this.scanIfChanged().finally(() => (this.rescan = undefined));
    await this.rescan;
    return this.entries.list();
  }

  override async has(id: string): Promise<boolean> {
    if (this.entries.get(id)) return true;
    await this.ready();
    // Another server may have created it since the scan.
    if (this.entries.get(id)) return true;
    try {
      return (await this.load(id)) !== undefined;
    } catch (error) {
      // A damaged conversation exists: its id must not be used again.
      if (error instanceof DamagedConversationError) return true;
      throw error;
    }
  }

  override async childrenOf(id: string): Promise<string[]> {
    await this.ready();
    return this.entries.childrenOf(id);
  }

  override async load(id: string): Promise<StoredMetadata | undefined> {
    try {
      return await this.files.read(id);
    } catch (error) {
      if (error instanceof StorageFailedError) throw error;
      this.reportBroken(id, error);
      throw new DamagedConversationError(id, `${METADATA_FILE}: ${errorMessage(error)}`);
    }
  }

  override loadNow(id: string): StoredMetadata | undefined {
    return this.files.readSync(id);
  }

  override stampOf(id: string): Promise<string | undefined> {
    return Promise.resolve(this.stampNow(id));
  }

  override stampNow(id: string): string | undefined {
    return this.files.stampOf(id);
  }

  override async beginCreation(id: string): Promise<void> {
    await this.files.markUnfinished(id).catch((error: unknown) => {
      throw toStorageError(error);
    });
  }

  override save(metadata: StoredMetadata, fence: LeaseFence): Promise<void> {
    const { id } = metadata;
    // Formatted now: the caller may change the object before the write starts.
    const text = formatMetadata(metadata);
    const entry = entryOf(metadata);
    return this.changes.run(id, async () => {
      await this.files.write(id, text, fence, !this.entries.get(id)).catch((error: unknown) => {
        throw toStorageError(error);
      });
      this.entries.set(entry);
    });
  }

  override updateEntry(entry: CatalogueEntry): void {
    // A conversation is listed from its first save until its removal.
    if (this.entries.get(entry.id)) this.entries.set(entry);
  }

  override remove(id: string): Promise<void> {
    return this.changes.run(id, async () => {
      // A scan in progress could add it again.
      await this.ready();
      const folder = this.folder(id);
      const deleted = path.join(
        this.options.conversationsPath,
        `${DELETED_PREFIX}${path.basename(folder)}-${randomBytes(4).toString('hex')}`,
      );
      try {
        await rename(folder, deleted);
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw toStorageError(error);
        this.entries.delete(id);
        return;
      }
      this.entries.delete(id);
      await syncFolder(this.options.conversationsPath);
      await this.removeFolder(deleted);
    });
  }

  override folder(id: string): string {
    return this.files.folder(id);
  }

  /** Resolves when all entries are known. The next call repeats a failed scan. */
  private ready(): Promise<void> {
    this.scan ??= this.readAll().catch((error: unknown) => {
      this.scan = undefined;
      throw toStorageError(error);
    });
    return this.scan;
  }

  private async readAll(): Promise<void> {
    void this.removeLeftovers(await this.readNew());
  }

  private async scanIfChanged(): Promise<void> {
    if (this.scannedAt === undefined || this.scannedAt !== this.changedAt()) await this.readNew();
  }

  /** When an entry of the folder was last added or removed (ms); undefined if there is no folder. */
  private changedAt(): number | undefined {
    return fs.statSync(this.options.conversationsPath, { throwIfNoEntry: false })?.mtimeMs;
  }

  /**
   * Reads the entries that are not known yet and drops those whose folder is gone.
   * @returns all names in the folder
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
    await forEachBounded(await this.readSync(unknown), MAX_PARALLEL_READS, async (id) => {
      const buffer = buffers.pop() ?? Buffer.allocUnsafe(READ_BUFFER_BYTES);
      if (!(await this.readOne(id, buffer))) unfinished.push(id);
      buffers.push(buffer);
    });
    const settled = changedAt !== undefined && isSettled(changedAt, startedAt);
    this.scannedAt = settled && unfinished.length === 0 ? changedAt : undefined;
    return names;
  }

  /**
   * Reads entries synchronously, in slices: when the disk answers at once, a thread costs several times the
   * call.
   * @returns the ids to be read asynchronously: irregular ones, and all others if the disk is slow
   */
  private async readSync(ids: readonly string[]): Promise<string[]> {
    const left: string[] = [];
    const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);
    let slowSlices = 0;
    for (let next = 0; next < ids.length && slowSlices < MAX_SLOW_SLICES;) {
      const [first, started] = [next, performance.now()];
      for (; next < ids.length && performance.now() - started < SLICE_MS; next += 1) {
        const id = ids[next] ?? '';
        const entry = this.files.readEntrySync(id, buffer);
        if (entry) this.add(entry);
        else left.push(id);
      }
      slowSlices = next - first < MIN_ENTRIES_PER_SLICE ? slowSlices + 1 : 0;
      if (slowSlices === MAX_SLOW_SLICES) return left.concat(ids.slice(next));
      await nextTick();
    }
    return left;
  }

  /** Adds an entry of a scan, unless the conversation was saved or is being removed meanwhile. */
  private add(entry: CatalogueEntry): void {
    if (!this.entries.get(entry.id) && !this.changes.has(entry.id)) this.entries.set(entry);
  }

  /** @returns false for a folder without metadata: another server may be creating the conversation */
  private async readOne(id: string, buffer: Buffer): Promise<boolean> {
    try {
      const entry = await this.files.readEntry(id, buffer);
      if (!entry) return false;
      this.add(entryOf(entry));
    } catch (error) {
      if (error instanceof StorageFailedError) throw error;
      this.reportBroken(id, error);
    }
    return true;
  }

  private reportBroken(id: string, error: unknown): void {
    this.entries.delete(id);
    if (this.reported.has(id)) return;
    this.reported.add(id);
    this.logger.error(`conversation ${id} is left out: ${this.files.path(id)}: ${errorMessage(error)}`);
  }

  /** Removes folders of deleted conversations. */
  private async removeLeftovers(names: readonly string[]): Promise<void> {
    for (const name of names.filter((it) => it.startsWith(DELETED_PREFIX)))
      await this.removeFolder(path.join(this.options.conversationsPath, name));
  }

  /** Removes the folder of a deleted conversation; if that fails, the next start tries again. */
  private async removeFolder(folder: string): Promise<void> {
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      this.logger.warn(`${folder} could not be removed: ${String(error)}`);
    }
  }
}

/** Copies the fields of an entry, so that the rest of the metadata is not kept in memory. */
function entryOf({ id, created_at, updated_at, execution_status, parent_conversation_id }: CatalogueEntry) {
  return { id, created_at, updated_at, execution_status, parent_conversation_id };
}
