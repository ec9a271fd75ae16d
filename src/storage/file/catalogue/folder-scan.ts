import fs from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate as nextTick } from 'node:timers/promises';
import { undefinedIfMissing } from '../../../files/index.js';
import { forEachBounded, inSlices } from '../../../flow/index.js';
import type { CatalogueEntry } from '../../catalogue.js';
import { StorageFailedError, toStorageError } from '../../storage-errors.js';
import { conversationIdOf } from '../conversation-folder.js';
import { isSettled } from '../settled-stamp.js';
import type { CatalogueEntries } from './catalogue-entries.js';
import { CatalogueSummary, type SummaryLine } from './catalogue-summary.js';
import type { MetadataFiles } from './metadata-files.js';

/** More do not help: the thread pool of a process has four threads. */
const MAX_PARALLEL_READS = 16;
const READ_BUFFER_BYTES = 16 * 1024;
/** Time for which entries are read synchronously before yielding (ms). */
const SLICE_MS = 4;
/** A slice that reads fewer entries is slow; after this many slow slices the disk is considered slow. */
const MIN_ENTRIES_PER_SLICE = 8;
const MAX_SLOW_SLICES = 3;
/** Names of folders that are compared between two looks at the clock. */
const NAMES_PER_PART = 50;

/** Lists wait for a scan that takes less (ms), whoever has changed the folder. */
const CHEAP_SCAN_MS = 10;
/** Longer scans may take one part in so many of the time. */
const SCAN_SHARE = 20;

/** With fewer new or changed entries a start is fast without a new summary. */
const MIN_SUMMARY_CHANGES = 200;
/** A shutdown does not wait for a summary with more of them. */
const MAX_SUMMARY_CHANGES_AT_END = 20_000;
/** How long after a change the summary is written (ms): a burst of changes costs one write. */
const SUMMARY_DELAY_MS = 30_000;

/** What a scan reads from and tells. */
export interface ScanSources {
  entries: CatalogueEntries;
  files: MetadataFiles;
  /** Whether a conversation is being saved or removed at the moment. */
  isChanging: (id: string) => boolean;
  onBroken: (id: string, error: unknown) => void;
  onSummaryFailed: (error: unknown) => void;
  /** Called once with all names in the folder. */
  onFirstScan: (names: readonly string[]) => void;
}

/**
 * Keeps the entries the same as the folder of the conversations, which other servers and people may change.
 * The first scan reads all metadata that are not in the summary of a former scan; later ones compare the
 * names of the folders. The folder's own time of change says whether it is necessary.
 */
export class FolderScan {
  private first: Promise<void> | undefined;
  private running: Promise<void> | undefined;
  /** Modification time of the folder (ms) at the last complete scan; undefined: scan again. */
  private scannedAt: number | undefined;
  /** How long the last scan took (ms), and when it ended (`performance.now()`). */
  private last = { took: 0, endedAt: 0 };
  private later: NodeJS.Timeout | undefined;
  /** This server has added or removed folders since the last scan. */
  private hasOwnChanges = false;
  /** Folders without metadata at the last scan: another server may be creating the conversations. */
  private unfinished = new Set<string>();
  private readonly summary: CatalogueSummary;
  /** Conversations whose line in the summary is missing or out of date. */
  private readonly unsummarised = new Set<string>();
  private summaryTimer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;
  private isStopped = false;

  constructor(
    private readonly conversationsPath: string,
    private readonly sources: ScanSources,
  ) {
    this.summary = new CatalogueSummary(conversationsPath);
  }

  /** Resolves when all entries are known. The next call repeats a failed scan. */
  ready(): Promise<void> {
    this.first ??= this.readAll().catch((error: unknown) => {
      this.first = undefined;
      throw toStorageError(error);
    });
    return this.first;
  }

  /**
   * Resolves when changes of the folder are known. If a scan takes long, and this server has changed the
   * folder itself, changes of others may become known some scans' time later.
   */
  async refresh(): Promise<void> {
    await this.ready();
    if (this.running) return this.waitForOthers();
    if (this.unfinished.size > 0) await this.readUnfinished();
    if (this.scannedAt !== undefined && this.scannedAt === this.changedAt()) return;
    await this.waitForOthers();
  }

  /** Called before this server adds, changes or removes a conversation. */
  noteChange(id: string, changesFolder: boolean): void {
    if (changesFolder) this.hasOwnChanges = true;
    this.unsummarised.add(id);
    this.writeSummaryLater();
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.later);
    clearTimeout(this.summaryTimer);
    await this.writing;
    const count = this.unsummarised.size;
    if (count >= MIN_SUMMARY_CHANGES && count <= MAX_SUMMARY_CHANGES_AT_END) await this.writeSummary();
  }

  private async waitForOthers(): Promise<void> {
    const { took, endedAt } = this.last;
    const pause = endedAt + took * SCAN_SHARE - performance.now();
    // Concurrent callers share a scan.
    if (took < CHEAP_SCAN_MS || (pause <= 0 && !this.hasOwnChanges)) return this.scan();
    if (this.later !== undefined || this.running || this.isStopped) return undefined;
    const scan = (): void => {
      this.later = undefined;
      // Whoever lists next repeats it and gets the error.
      this.scan().catch(() => undefined);
    };
    this.later = setTimeout(scan, Math.max(0, pause)).unref();
    return undefined;
  }

  private scan(): Promise<void> {
    this.running ??= this.readNew()
      .then(() => undefined)
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  private async readAll(): Promise<void> {
    this.sources.onFirstScan(await this.readNew(await this.summary.read()));
  }

  /** When an entry of the folder was last added or removed (ms); undefined if there is no folder. */
  private changedAt(): number | undefined {
    return fs.statSync(this.conversationsPath, { throwIfNoEntry: false })?.mtimeMs;
  }

  /**
   * Reads the entries that are not known yet and drops those whose folder is gone.
   * @returns all names in the folder
   */
  private async readNew(summary: Iterable<SummaryLine> = []): Promise<string[]> {
    const [startedAt, started] = [Date.now(), performance.now()];
    this.hasOwnChanges = false;
    const changedAt = this.changedAt();
    const known = new Set(this.sources.entries.ids());
    const names = (await readdir(this.conversationsPath).catch(undefinedIfMissing)) ?? [];
    const unknown = await inSlices(this.compare(names, known));
    this.unfinished = new Set();
    await inSlices(this.takeOver(summary, unknown));
    await this.readSlowly(await this.readSync([...unknown]));
    const settled = changedAt !== undefined && isSettled(changedAt, startedAt);
    this.scannedAt = settled ? changedAt : undefined;
    this.last = { took: performance.now() - started, endedAt: performance.now() };
    this.writeSummaryLater();
    return names;
  }

  /**
   * Drops the known entries that are not among the names.
   * @param known ids from before the names were read
   * @returns the ids that are not known
   */
  private *compare(names: readonly string[], known: ReadonlySet<string>): Generator<void, Set<string>> {
    const { entries, isChanging } = this.sources;
    const unknown = new Set<string>();
    const found = new Set<string>();
    let part = 0;
    for (const name of names) {
      const id = conversationIdOf(name);
      if (id !== undefined && known.has(id)) found.add(id);
      else if (id !== undefined && entries.get(id) === undefined) unknown.add(id);
      if (++part % NAMES_PER_PART === 0) yield;
    }
    if (found.size === known.size) return unknown;
    for (const id of known) if (!found.has(id) && !isChanging(id)) entries.delete(id);
    return unknown;
  }

  private async readUnfinished(): Promise<void> {
    const ids = [...this.unfinished];
    this.unfinished = new Set();
    await this.readSlowly(ids.filter((id) => this.sources.entries.get(id) === undefined));
  }

  /**
   * Adds the entries whose line in the summary is still valid. Lines are in the order of the list: entries
   * that are added in order need not be sorted.
   * @param unknown ids; those that were added are removed
   */
  private *takeOver(summary: Iterable<SummaryLine>, unknown: Set<string>): Generator<void, void> {
    for (const { entry, stamp } of summary) {
      if (unknown.has(entry.id) && this.sources.files.stampOf(entry.id) === stamp) {
        this.add(entry);
        unknown.delete(entry.id);
      }
      yield;
    }
  }

  private async readSlowly(ids: readonly string[]): Promise<void> {
    const buffers: Buffer[] = [];
    await forEachBounded(ids, MAX_PARALLEL_READS, async (id) => {
      const buffer = buffers.pop() ?? Buffer.allocUnsafe(READ_BUFFER_BYTES);
      await this.readOne(id, buffer);
      buffers.push(buffer);
    });
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
        const entry = this.sources.files.readEntrySync(id, buffer);
        this.unsummarised.add(id);
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
    const { entries, isChanging } = this.sources;
    if (!entries.get(entry.id) && !isChanging(entry.id)) entries.set(entry);
  }

  /** A folder without metadata is read again for the next list. */
  private async readOne(id: string, buffer: Buffer): Promise<void> {
    this.unsummarised.add(id);
    try {
      const entry = await this.sources.files.readEntry(id, buffer);
      if (entry) this.add(entry);
      else if (fs.existsSync(this.sources.files.folder(id))) this.unfinished.add(id);
    } catch (error) {
      if (error instanceof StorageFailedError) throw error;
      this.sources.onBroken(id, error);
    }
  }

  private writeSummaryLater(): void {
    const isWorth = this.unsummarised.size >= MIN_SUMMARY_CHANGES;
    if (!isWorth || this.summaryTimer !== undefined || this.isStopped) return;
    this.summaryTimer = setTimeout(() => {
      this.writing = this.writeSummary().finally(() => {
        this.summaryTimer = undefined;
        this.writing = undefined;
      });
    }, SUMMARY_DELAY_MS).unref();
  }

  /** Never throws: without a summary the next start is slower, nothing else. */
  private async writeSummary(): Promise<void> {
    try {
      const stale = [...this.unsummarised];
      this.unsummarised.clear();
      const lines = await inSlices(this.unchangedLines(await this.summary.read(), new Set(stale)));
      await inSlices(this.addLines(stale, lines));
      await this.summary.write(await inSlices(this.inOrderOfCreation(lines)));
    } catch (error) {
      this.sources.onSummaryFailed(error);
    }
  }

  private *unchangedLines(
    summary: Iterable<SummaryLine>,
    stale: ReadonlySet<string>,
  ): Generator<void, Map<string, SummaryLine>> {
    const lines = new Map<string, SummaryLine>();
    for (const line of summary) {
      const { id } = line.entry;
      if (!stale.has(id) && this.sources.entries.get(id)) lines.set(id, line);
      yield;
    }
    return lines;
  }

  /** Reads what the disk says: entries in memory may be newer. */
  private *addLines(ids: readonly string[], lines: Map<string, SummaryLine>): Generator<void, void> {
    const { entries, files } = this.sources;
    const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);
    for (const id of ids) {
      // Before the entry is read: newer metadata have another stamp.
      const stamp = entries.get(id) && files.stampOf(id);
      const entry = stamp === undefined ? undefined : files.readEntrySync(id, buffer);
      if (stamp !== undefined && entry) lines.set(id, { entry, stamp });
      else if (entries.get(id)) this.unsummarised.add(id);
      yield;
    }
  }

  private *inOrderOfCreation(lines: ReadonlyMap<string, SummaryLine>): Generator<void, SummaryLine[]> {
    const { entries } = this.sources;
    const sorted: SummaryLine[] = [];
    for (const { id } of entries.page({ order: 'CREATED_AT', limit: entries.size })) {
      const line = lines.get(id);
      if (line) sorted.push(line);
      yield;
    }
    return sorted;
  }
}
