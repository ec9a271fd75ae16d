import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { syncFolder } from '../../../files/index.js';
import { forEachBounded, inSlices, KeyedSerialQueue } from '../../../flow/index.js';
import {
  Catalogue,
  catalogueEntry,
  type CatalogueEntry,
  type CatalogueQuery,
  type StoredMetadata,
} from '../../catalogue.js';
import type { LeaseFence } from '../../lease-store.js';
import { DamagedConversationError, StorageFailedError, toStorageError } from '../../storage-errors.js';
import type { ReservedConversations } from '../../reserved-conversations.js';
import { StorageOptions } from '../../storage-options.js';
import { METADATA_FILE } from '../conversation-folder.js';
import { CatalogueEntries } from './catalogue-entries.js';
import { FolderScan } from './folder-scan.js';
import { formatMetadata } from './metadata-file.js';
import { MetadataFiles } from './metadata-files.js';

/** Folders of conversations that are being deleted; the next start deletes what a crash leaves of them. */
const DELETED_PREFIX = '.deleted-';

/** Metadata files that are read at a time. */
const MAX_PARALLEL_READS = 8;
/** A read that takes longer (ms) is slow; after so many of them the disk is only read asynchronously. */
const SLOW_READ_MS = 5;
const MAX_SLOW_READS = 8;

/** The conversations in a folder, each with its `metadata.json`. */
@Injectable()
export class FileCatalogue extends Catalogue implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Catalogue');
  private readonly entries: CatalogueEntries;
  private readonly files: MetadataFiles;
  private readonly reported = new Set<string>();
  /** Writes and removals of each conversation. */
  private readonly changes = new KeyedSerialQueue();
  private readonly scan: FolderScan;
  /** Folders of deleted conversations that are being removed. */
  private readonly removing = new Set<string>();
  /** Those that could not be: they were logged. */
  private readonly unremovable = new Set<string>();

  constructor(
    private readonly options: StorageOptions,
    reserved: Pick<ReservedConversations, 'ownerOf'> = { ownerOf: () => undefined },
  ) {
    super();
    const ownerOf = (id: string): string | null | undefined => reserved.ownerOf(id);
    this.entries = new CatalogueEntries(ownerOf);
    this.files = new MetadataFiles(options.conversationsPath, (id) => ownerOf(id) !== undefined);
    this.scan = new FolderScan(options.conversationsPath, {
      entries: this.entries,
      files: this.files,
      isChanging: (id) => this.changes.has(id),
      onBroken: (id, error) => this.reportBroken(id, error),
      onSummaryFailed: (error) => {
        this.logger.warn(`the summary for faster starts could not be written: ${errorMessage(error)}`);
      },
      onFirstScan: (names) => void this.removeDeleted(names),
    });
  }

  /** Starts to read the entries in the background as soon as the server listens. */
  onApplicationBootstrap(): void {
    setImmediate(() => {
      this.scan
        .ready()
        .catch((error: unknown) => this.logger.error(`conversations cannot be listed: ${String(error)}`));
    });
  }

  /** After all conversations were saved. */
  onApplicationShutdown(): Promise<void> {
    return this.scan.stop();
  }

  override async page(query: CatalogueQuery): Promise<CatalogueEntry[]> {
    await this.scan.refresh();
    return this.entries.page(query);
  }

  override async count(status?: string, ownerKey?: string): Promise<number> {
    await this.scan.refresh();
    return this.entries.count(status, ownerKey);
  }

  override async entry(id: string): Promise<CatalogueEntry | undefined> {
    await this.scan.ready();
    return this.entries.get(id);
  }

  override async has(id: string): Promise<boolean> {
    if (this.entries.get(id)) return true;
    await this.scan.ready();
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
    await this.scan.ready();
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

  override async loadMany(ids: readonly string[]): Promise<(StoredMetadata | undefined)[]> {
    const found = new Map<string, StoredMetadata | undefined>();
    const others = await inSlices(this.readAtOnce(ids, found));
    await forEachBounded(others, MAX_PARALLEL_READS, async (id) => {
      found.set(id, await this.load(id).catch(() => undefined));
    });
    return ids.map((id) => found.get(id));
  }

  /**
   * Reads files synchronously: on a disk that answers at once, a thread for each file would cost several
   * times the read.
   * @returns the ids that were not read
   */
  private *readAtOnce(
    ids: readonly string[],
    found: Map<string, StoredMetadata | undefined>,
  ): Generator<void, string[]> {
    const others: string[] = [];
    let slow = 0;
    for (const id of ids) {
      const started = performance.now();
      const metadata = slow < MAX_SLOW_READS ? this.files.readSync(id) : undefined;
      if (performance.now() - started > SLOW_READ_MS) slow += 1;
      if (metadata) found.set(id, metadata);
      else others.push(id);
      yield;
    }
    return others;
  }

  override stampOf(id: string): Promise<string | undefined> {
    return Promise.resolve(this.files.stampOf(id));
  }

  override stampsOf(ids: readonly string[]): Promise<(string | undefined)[]> {
    return inSlices(this.stamps(ids));
  }

  private *stamps(ids: readonly string[]): Generator<void, (string | undefined)[]> {
    const stamps: (string | undefined)[] = [];
    for (const id of ids) {
      stamps.push(this.files.stampOf(id));
      yield;
    }
    return stamps;
  }

  override async beginCreation(id: string): Promise<void> {
    this.scan.noteChange(id, true);
    await this.files.markUnfinished(id).catch((error: unknown) => {
      throw toStorageError(error);
    });
  }

  override save(metadata: StoredMetadata, fence: LeaseFence): Promise<void> {
    const { id } = metadata;
    // Formatted now: the caller may change the object before the write starts.
    const text = formatMetadata(metadata);
    const entry = catalogueEntry(metadata);
    return this.changes.run(id, async () => {
      const isNew = !this.entries.get(id);
      this.scan.noteChange(id, isNew);
      await this.files.write(id, text, fence, isNew).catch((error: unknown) => {
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
      await this.scan.ready();
      this.scan.noteChange(id, true);
      const folder = this.files.folder(id);
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

  private reportBroken(id: string, error: unknown): void {
    this.entries.delete(id);
    if (this.reported.has(id)) return;
    this.reported.add(id);
    this.logger.error(`conversation ${id} is left out: ${this.files.path(id)}: ${errorMessage(error)}`);
  }

  override async removeLeftovers(): Promise<{ removed: number; failures: string[] }> {
    const left = await readdir(this.options.conversationsPath).catch(() => []);
    return this.removeDeleted(left);
  }

  /** Removes folders of deleted conversations. */
  private async removeDeleted(names: readonly string[]): Promise<{ removed: number; failures: string[] }> {
    let removed = 0;
    const failures: string[] = [];
    for (const name of names.filter((it) => it.startsWith(DELETED_PREFIX))) {
      const folder = path.join(this.options.conversationsPath, name);
      if (this.removing.has(folder)) continue;
      const failure = await this.removeFolder(folder);
      if (failure === undefined) removed += 1;
      else failures.push(failure);
    }
    return { removed, failures };
  }

  /**
   * Removes the folder of a deleted conversation; if that fails, the next start or sweep tries again.
   * @returns why it could not be removed
   */
  private async removeFolder(folder: string): Promise<string | undefined> {
    this.removing.add(folder);
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      this.unremovable.delete(folder);
      return undefined;
    } catch (error) {
      const failure = `${folder} could not be removed: ${String(error)}`;
      if (!this.unremovable.has(folder)) this.logger.warn(failure);
      this.unremovable.add(folder);
      return failure;
    } finally {
      this.removing.delete(folder);
    }
  }
}
