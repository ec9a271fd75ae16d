import type { Stats } from 'node:fs';
import { readBlobs, type GitBounds } from '../../git/index.js';
import { hashOf, type ObjectStore } from '../store/object-store.js';
import { UnreadableError, type FoundFile, type WorkspaceTree } from '../tree/workspace-tree.js';
import { sameVersion, type FileChange, type FileVersion, type Incomplete } from '../version.js';
import { isIn } from '../tree/workspace-path.js';
import { placed, type ScannedRepository } from './scanned-folder.js';
import { CLOCK_TICK_MS, type WorkspaceWalk } from './workspace-walk.js';

/** Files whose changes are recorded in one step. */
const MAX_CHANGES = 1_000;
/** Files, and their bytes, whose content is kept before a command because git does not have it. */
const MAX_KEPT_FILES = 2_000;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** Their share of the room for all contents. */
const MAX_KEPT_SHARE = 0.25;
const MAX_BLOBS = 2_000;
const PERMISSIONS = 0o777;

/** Content that git has. */
interface KnownBlob {
  id: string;
  size: number;
  top: string;
}

/** A file as the last look has found it. A class, so that comparing thousands of them is fast. */
class KnownFile {
  readonly size: number;
  readonly mode: number;
  readonly ino: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** It may have changed since without a trace in its times. */
  private readonly isYoung: boolean;

  constructor(
    stats: Stats,
    /** The number of the look that has seen it last. */
    public look: number,
    /** What it contains; undefined: what `blob` names. */
    public version: FileVersion | undefined,
    readonly blob: KnownBlob | undefined,
  ) {
    this.size = stats.size;
    this.mode = stats.mode;
    this.ino = stats.ino;
    this.mtimeMs = stats.mtimeMs;
    this.ctimeMs = stats.ctimeMs;
    this.isYoung = Date.now() - Math.max(stats.ctimeMs, stats.mtimeMs) < CLOCK_TICK_MS;
  }

  /** Whether a file is still what it was. */
  isSame(stats: Stats): boolean {
    return (
      !this.isYoung &&
      this.ctimeMs === stats.ctimeMs &&
      this.mtimeMs === stats.mtimeMs &&
      this.size === stats.size &&
      this.ino === stats.ino &&
      this.mode === stats.mode
    );
  }
}

/** A file that is not as the look before has found it. */
interface LookedFile {
  path: string;
  stats: Stats;
  repository: ScannedRepository | undefined;
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
  private looks = 0;
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
    return known?.isSame(stats) ? known.version : undefined;
  }

  /** Takes note of what a file is now, so that the next scan does not report it. */
  note(file: string, found: FoundFile | undefined): void {
    if (this.looks === 0) return;
    if (found) this.set(file, found.stats, found.version);
    else this.files.delete(file);
  }

  /**
   * Looks at all files, and takes note of what somebody else has changed. The first look takes note of
   * everything.
   * @param began when a program began that may change files (ms since the epoch), Infinity: none has. What
   *   was changed later is left for `changes`
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
  private async look(moment: () => number): Promise<{ theirs: LookedFile[]; later: LookedFile[] }> {
    this.looks += 1;
    const [theirs, later]: [LookedFile[], LookedFile[]] = [[], []];
    const unreadable = new Set<string>();
    await this.walk.run({
      file: (path, stats, repository) => {
        const known = this.files.get(path);
        if (known) known.look = this.looks;
        if (known?.isSame(stats)) return;
        // Programs can set the other times, but not this one.
        const isTheirs = stats.ctimeMs < moment() - CLOCK_TICK_MS;
        (isTheirs ? theirs : later).push({ path, stats, repository });
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
      if (known && isIn(unreadable, file)) known.look = this.looks;
    }
    const [first] = unreadable;
    const detail = `${JSON.stringify(first)}${unreadable.size > 1 ? ` and ${unreadable.size - 1} more` : ''}`;
    if (this.saidUnreadable !== detail) this.unsaid.push({ reason: 'unreadable', detail });
    this.saidUnreadable = detail;
  }

  private gone(): string[] {
    const gone: string[] = [];
    for (const [file, { look }] of this.files) if (look !== this.looks) gone.push(file);
    return gone;
  }

  private set(file: string, stats: Stats, version: FileVersion | undefined, blob?: KnownBlob): void {
    this.files.set(file, new KnownFile(stats, this.looks, version, blob));
  }

  /** Takes note of files, and keeps what git does not have of them. */
  private async keep(theirs: readonly LookedFile[]): Promise<void> {
    const room = Math.min(MAX_KEPT_BYTES, this.store.maxBytes * MAX_KEPT_SHARE);
    let [kept, bytes, left, full] = [0, 0, 0, 0];
    for (const file of theirs) {
      const { stats } = file;
      const blob = cleanBlob(file);
      if (blob) {
        this.set(file.path, stats, undefined, blob);
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
      this.set(file.path, found?.stats ?? stats, found?.version ?? unread(stats));
    }
    if (left > 0) this.unsaid.push({ reason: 'not_kept', detail: `${left} files that git does not track` });
    if (full > 0) this.unsaid.push({ reason: 'full', detail: `${full} files` });
  }

  private async compare(looked: readonly LookedFile[], incomplete: Incomplete[]): Promise<FileChange[]> {
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
      this.set(file, found?.stats ?? stats, after);
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

/** A file whose content is not read, and which has not changed but for the clock. */
function isUnreadTwice(known: KnownFile, stats: Stats): boolean {
  return known.version?.hash === null && known.ctimeMs === stats.ctimeMs && known.size === stats.size;
}

/** The content that git has of a tracked file without changes, as git decides that. */
function cleanBlob({ path, stats, repository }: LookedFile): KnownBlob | undefined {
  if (!repository?.tracked || !stats.isFile()) return undefined;
  const { top, tracked } = repository;
  const entry = tracked.entries.get(placed(repository, path));
  if (!entry) return undefined;
  const isClean =
    entry.size === stats.size &&
    entry.ino === stats.ino % 2 ** 32 &&
    Math.abs(entry.mtimeMs - stats.mtimeMs) < 0.01 &&
    Math.abs(entry.ctimeMs - stats.ctimeMs) < 0.01 &&
    entry.mtimeMs < tracked.writtenMs - CLOCK_TICK_MS;
  return isClean ? { id: entry.blob, size: entry.size, top } : undefined;
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
