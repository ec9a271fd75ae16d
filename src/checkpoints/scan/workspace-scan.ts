import type { Stats } from 'node:fs';
import { readBlobs, type GitBounds } from '../../git/index.js';
import { hashOf, type ObjectStore } from '../store/object-store.js';
import { UnreadableError, type FoundFile, type WorkspaceTree } from '../tree/workspace-tree.js';
import { sameVersion, type FileChange, type FileVersion, type Incomplete } from '../version.js';
import { isIn } from '../tree/workspace-path.js';
import { CLOCK_TICK_MS, type WalkedFile, type WorkspaceWalk } from './workspace-walk.js';

/** Files whose changes are recorded in one step. */
const MAX_CHANGES = 1_000;
/** Files, and their bytes, whose content is kept before a command because git does not have it. */
const MAX_KEPT_FILES = 2_000;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** Their share of the room for all contents. */
const MAX_KEPT_SHARE = 0.25;
const MAX_BLOBS = 2_000;
const PERMISSIONS = 0o777;

/** A file as the last scan has found it. */
interface KnownFile {
  size: number;
  mode: number;
  ino: number;
  mtimeMs: number;
  ctimeMs: number;
  /** When it was looked at. */
  at: number;
  /** What it contains; undefined: what `blob` names. */
  version: FileVersion | undefined;
  /** Content that git has. */
  blob: { id: string; size: number; top: string } | undefined;
  /** The number of the scan that has seen it last. */
  scan: number;
}

/** What has changed since the scan before. */
export interface ScanResult {
  changes: FileChange[];
  incomplete: Incomplete[];
}

/**
 * Knows the files of a workspace, and finds what has changed in them by sizes, times and inodes. Contents are
 * kept before they can change: git has those of tracked files without changes, and the store those of others.
 */
export class WorkspaceScan {
  private readonly files = new Map<string, KnownFile>();
  private scans = 0;
  /** What could not be kept; said once, with the next changes. */
  private readonly unsaid: Incomplete[] = [];
  private saidUnreadable = '';

  constructor(
    private readonly tree: WorkspaceTree,
    private readonly store: ObjectStore,
    private readonly walk: WorkspaceWalk,
    private readonly bounds: GitBounds | undefined,
  ) {}

  /** The contents that it counts on. */
  *hashes(): Generator<string, void> {
    for (const { version } of this.files.values()) if (version?.hash) yield version.hash;
  }

  /** The version that the last scan knows, if the file is still the same; else undefined. */
  knownVersion(file: string, stats: Stats): FileVersion | undefined {
    const known = this.files.get(file);
    return known && isSame(known, stats) ? known.version : undefined;
  }

  /** Takes note of what a file is now, so that the next scan does not report it. */
  note(file: string, found: FoundFile | undefined): void {
    if (this.scans === 0) return;
    if (found) this.files.set(file, { ...this.known(found.stats), version: found.version, blob: undefined });
    else this.files.delete(file);
  }

  /**
   * Looks at all files, and takes note of what somebody else has changed. The first look takes note of
   * everything.
   * @param began when a program began that may change files (ms since the epoch), Infinity: none has. What was
   *   changed later is left for `changes`
   * @throws TooManyFilesError, errors of the system
   */
  async takeNote(began: () => number): Promise<void> {
    const { theirs } = await this.look(began);
    if (began() === Infinity) for (const file of this.gone()) this.files.delete(file);
    await this.keep(theirs);
  }

  /**
   * Looks at all files. What has changed before a moment (ms since the epoch) somebody else has changed; it
   * is noted and not reported.
   * @throws TooManyFilesError, errors of the system
   */
  async changes(since: number): Promise<ScanResult> {
    const { theirs, later } = await this.look(() => since);
    await this.keep(theirs);
    const incomplete = this.unsaid.splice(0);
    return { changes: await this.compare(later, incomplete), incomplete };
  }

  /** The files that are not as the look before has found them: changed before a moment, and later. */
  private async look(moment: () => number): Promise<{ theirs: WalkedFile[]; later: WalkedFile[] }> {
    this.scans += 1;
    const [theirs, later]: [WalkedFile[], WalkedFile[]] = [[], []];
    const unreadable = new Set<string>();
    await this.walk.run({
      file: (file) => {
        const known = this.files.get(file.path);
        if (known) known.scan = this.scans;
        if (known && isSame(known, file.stats)) return;
        // Programs can set the other times, but not this one.
        (file.stats.ctimeMs < moment() - CLOCK_TICK_MS ? theirs : later).push(file);
      },
      unreadable: (path) => void unreadable.add(path),
    });
    if (unreadable.size > 0) this.keepUnreadable(unreadable);
    return { theirs, later };
  }

  /** What cannot be looked at any more is not gone. */
  private keepUnreadable(unreadable: ReadonlySet<string>): void {
    for (const file of this.gone()) {
      const known = this.files.get(file);
      if (known && isIn(unreadable, file)) known.scan = this.scans;
    }
    const [first] = unreadable;
    const detail = `${JSON.stringify(first)}${unreadable.size > 1 ? ` and ${unreadable.size - 1} more` : ''}`;
    if (this.saidUnreadable !== detail) this.unsaid.push({ reason: 'unreadable', detail });
    this.saidUnreadable = detail;
  }

  private gone(): string[] {
    const gone: string[] = [];
    for (const [file, { scan }] of this.files) if (scan !== this.scans) gone.push(file);
    return gone;
  }

  private known(stats: Stats): Omit<KnownFile, 'version' | 'blob'> {
    const { size, mode, ino, mtimeMs, ctimeMs } = stats;
    return { size, mode, ino, mtimeMs, ctimeMs, at: Date.now(), scan: this.scans };
  }

  /** Takes note of files, and keeps what git does not have of them. */
  private async keep(theirs: readonly WalkedFile[]): Promise<void> {
    const room = Math.min(MAX_KEPT_BYTES, this.store.maxBytes * MAX_KEPT_SHARE);
    let [kept, bytes, left, full] = [0, 0, 0, 0];
    for (const file of theirs) {
      const { stats } = file;
      const blob = cleanBlob(file);
      if (blob) {
        this.files.set(file.path, { ...this.known(stats), version: undefined, blob });
        continue;
      }
      const mayKeep = kept < MAX_KEPT_FILES && bytes + stats.size <= room;
      const found = mayKeep ? await this.tree.find(file.path).catch(undefinedIfUnreadable) : undefined;
      // A program may have changed or removed it meanwhile.
      if (mayKeep && found?.stats.ctimeMs !== stats.ctimeMs) continue;
      if (!mayKeep) left += 1;
      if (found?.bytes) {
        kept += 1;
        bytes += found.bytes.length;
        if (!(await this.put(found))) full += 1;
      }
      const version = found?.version ?? unread(stats);
      this.files.set(file.path, { ...this.known(found?.stats ?? stats), version, blob: undefined });
    }
    if (left > 0) this.unsaid.push({ reason: 'not_kept', detail: `${left} files that git does not track` });
    if (full > 0) this.unsaid.push({ reason: 'full', detail: `${full} files` });
  }

  private async compare(looked: readonly WalkedFile[], incomplete: Incomplete[]): Promise<FileChange[]> {
    const gone = this.gone();
    await this.readBlobsOf([...looked.map((file) => file.path), ...gone], incomplete);
    const changes: FileChange[] = [];
    let [unrecorded, full] = [0, 0];
    const record = (change: FileChange): void => {
      if (changes.length < MAX_CHANGES) changes.push(change);
      else unrecorded += 1;
    };
    for (const file of gone) {
      const before = this.files.get(file)?.version ?? null;
      this.files.delete(file);
      record({ path: file, before, after: null });
    }
    for (const { path: file, stats } of looked) {
      const before = this.files.get(file);
      const found =
        changes.length < MAX_CHANGES ? await this.tree.find(file).catch(undefinedIfUnreadable) : undefined;
      if (found?.bytes && !(await this.put(found))) full += 1;
      const after = found?.version ?? unread(stats);
      this.files.set(file, { ...this.known(found?.stats ?? stats), version: after, blob: undefined });
      if (sameVersion(before?.version ?? null, after)) continue;
      if (before && isUnreadTwice(before, stats)) continue;
      record({ path: file, before: before?.version ?? null, after });
    }
    if (unrecorded > 0)
      incomplete.push({ reason: 'too_many_changes', detail: `${unrecorded} more files have changed` });
    if (full > 0) incomplete.push({ reason: 'full', detail: `${full} files` });
    return changes;
  }

  /** Fetches from git what files were that have changed. */
  private async readBlobsOf(files: readonly string[], incomplete: Incomplete[]): Promise<void> {
    const wanted = files.flatMap((file) => {
      const known = this.files.get(file);
      return known?.blob && !known.version ? [known] : [];
    });
    const missing = wanted.slice(MAX_BLOBS);
    const fetched = wanted.slice(0, MAX_BLOBS);
    for (const top of new Set(fetched.map(({ blob }) => blob?.top ?? ''))) {
      const all = fetched.filter(({ blob }) => blob?.top === top);
      const blobs = all.flatMap(({ blob }) => (blob ? [blob] : []));
      const contents = await readBlobs(top, blobs, this.bounds).catch(() => new Map<string, Buffer>());
      for (const known of all) {
        const bytes = contents.get(known.blob?.id ?? '');
        if (!bytes) missing.push(known);
        else known.version = await this.keepBlob(known, bytes);
      }
    }
    for (const known of missing) known.version = unreadVersion(known);
    if (missing.length > 0)
      incomplete.push({
        reason: 'not_kept',
        detail: `${missing.length} files whose content git does not have`,
      });
  }

  private async keepBlob({ mode }: KnownFile, bytes: Buffer): Promise<FileVersion> {
    const version = {
      kind: 'file' as const,
      size: bytes.length,
      mode: mode & PERMISSIONS,
      hash: hashOf(bytes),
    };
    await this.store.put(version.hash, bytes);
    return version;
  }

  private put({ version, bytes }: FoundFile): Promise<boolean> | boolean {
    return version.hash === null || bytes === undefined || this.store.put(version.hash, bytes);
  }
}

/** Whether a file is still what it was. One that was changed in the last tick may have changed again. */
function isSame(known: KnownFile, stats: Stats): boolean {
  return (
    known.ctimeMs === stats.ctimeMs &&
    known.mtimeMs === stats.mtimeMs &&
    known.size === stats.size &&
    known.ino === stats.ino &&
    known.mode === stats.mode &&
    known.at - Math.max(stats.ctimeMs, stats.mtimeMs) >= CLOCK_TICK_MS
  );
}

/** A file whose content is not read, and which has not changed but for the clock. */
function isUnreadTwice(known: KnownFile, stats: Stats): boolean {
  return known.version?.hash === null && known.ctimeMs === stats.ctimeMs && known.size === stats.size;
}

/** The content that git has of a tracked file without changes, as git decides that. */
function cleanBlob({ stats, tracked }: WalkedFile): KnownFile['blob'] {
  if (!tracked || !stats.isFile()) return undefined;
  const { entry, repository } = tracked;
  const isClean =
    entry.size === stats.size &&
    entry.ino === stats.ino % 2 ** 32 &&
    Math.abs(entry.mtimeMs - stats.mtimeMs) < 0.01 &&
    Math.abs(entry.ctimeMs - stats.ctimeMs) < 0.01 &&
    entry.mtimeMs < (repository.tracked?.writtenMs ?? 0) - CLOCK_TICK_MS;
  return isClean ? { id: entry.blob, size: entry.size, top: repository.top } : undefined;
}

function undefinedIfUnreadable(error: unknown): undefined {
  if (!(error instanceof UnreadableError)) throw error;
}

function unread(stats: Stats): FileVersion {
  return {
    kind: stats.isSymbolicLink() ? 'link' : 'file',
    size: stats.size,
    mode: stats.mode & PERMISSIONS,
    hash: null,
  };
}

function unreadVersion({ size, mode }: KnownFile): FileVersion {
  return { kind: 'file', size, mode: mode & PERMISSIONS, hash: null };
}
