import fs, { type Stats } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { yieldForChunk } from '../../flow/index.js';
import { gitFolderAt, readTrackedFiles, type GitBounds, type TrackedFiles } from '../../git/index.js';
import {
  isIgnored,
  placed,
  rulesStamp,
  stampOf,
  withRules,
  type RuleChain,
  type ScannedFolder,
  type ScannedRepository,
  type Place,
} from './scanned-folder.js';

/** The clock of file systems has ticks of some milliseconds: changes within one leave no trace in times. */
export const CLOCK_TICK_MS = 25;
/** How long a slice of the event loop may take, and all of them (ms). */
const SLICE_MS = 2;
const MAX_MS = 15_000;
/** Entries between two looks at the clock. */
const ENTRIES_AT_ONCE = 32;
/** Folders with more bytes for each file that may be looked at are not read: they have too many entries. */
const FOLDER_BYTES_PER_FILE = 128;
/** Repositories in the workspace whose indexes are read. */
const MAX_REPOSITORIES = 20;

/** A workspace with more files than are looked at, or whose files take too long. */
export class TooManyFilesError extends Error {
  override readonly name = 'TooManyFilesError';
}

/** Is told of what a walk finds, by paths below the workspace. */
export interface Visitor {
  file: (path: string, stats: Stats, repository: ScannedRepository | undefined) => void;
  /** A file, or a folder with everything in it; empty for the workspace itself. */
  unreadable: (path: string) => void;
}

interface Pending {
  /** Below the workspace; empty for itself. */
  below: string;
  chain: RuleChain | undefined;
  repository: ScannedRepository | undefined;
}

/**
 * Walks over the files of a workspace that git would look at: those that are tracked, and those that are not
 * ignored, in the repository of the workspace and in repositories below it. Folders are read again only when
 * they have changed. It follows no links and enters no other file systems.
 */
export class WorkspaceWalk {
  private folders = new Map<string, ScannedFolder>();
  private readonly indexes = new Map<string, TrackedFiles>();
  /** Indexes as they are in this walk. */
  private current = new Map<string, TrackedFiles | undefined>();
  private sliceBegan = 0;
  /** Time of all slices before this one (ms). */
  private worked = 0;

  constructor(
    /** Real path. */
    private readonly root: string,
    private readonly maxFiles: number,
    private readonly bounds: GitBounds | undefined,
    /** Whether a folder (real path) is left out with everything in it. */
    private readonly isHidden: (folder: string) => boolean,
  ) {}

  /**
   * Tells a visitor of each file, in slices.
   * @throws TooManyFilesError; errors of the system if the workspace itself cannot be read
   */
  async run(visitor: Visitor): Promise<void> {
    const { dev } = fs.lstatSync(this.root);
    const before = this.folders;
    this.folders = new Map();
    this.current = new Map();
    this.worked = 0;
    this.sliceBegan = performance.now();
    const pending: Pending[] = [await this.outside()];
    let count = 0;
    for (let next = pending.pop(); next; next = pending.pop()) {
      if (this.isSliceOver) await this.pause();
      const folder = await this.folderAt(next, dev, before.get(next.below), visitor);
      if (!folder) continue;
      this.folders.set(next.below, folder);
      const prefix = next.below === '' ? '' : `${next.below}/`;
      for (const name of folder.folders) {
        pending.push({ below: prefix + name, chain: folder.chain, repository: folder.repository });
      }
      count += folder.files.length + folder.folders.length;
      if (count > this.maxFiles) throw new TooManyFilesError(`more than ${this.maxFiles} files`);
      let visited = 0;
      for (const name of folder.files) {
        this.visit(prefix + name, folder.repository, visitor);
        visited += 1;
        if (visited % ENTRIES_AT_ONCE === 0 && this.isSliceOver) await this.pause();
      }
    }
  }

  private get isSliceOver(): boolean {
    return performance.now() - this.sliceBegan > SLICE_MS;
  }

  private async pause(): Promise<void> {
    this.worked += performance.now() - this.sliceBegan;
    if (this.worked > MAX_MS) throw new TooManyFilesError('a look at all files takes too long');
    await yieldForChunk();
    this.sliceBegan = performance.now();
  }

  private visit(file: string, repository: ScannedRepository | undefined, visitor: Visitor): void {
    const stats = statOf(`${this.root}/${file}`);
    if (stats === 'unreadable') return visitor.unreadable(file);
    if (stats?.isFile() || stats?.isSymbolicLink()) visitor.file(file, stats, repository);
  }

  private async folderAt(
    { below, chain: outerChain, repository: outerRepository }: Pending,
    dev: number,
    known: ScannedFolder | undefined,
    visitor: Visitor,
  ): Promise<ScannedFolder | undefined> {
    const at = path.join(this.root, below);
    const stats = statOf(at);
    if (stats === 'unreadable') visitor.unreadable(below);
    if (stats === 'unreadable' || !stats?.isDirectory() || stats.dev !== dev || this.isHidden(at))
      return undefined;
    const stamp = stampOf(stats);
    const isSame =
      known?.stamp === stamp &&
      !known.isYoung &&
      known.outerChain === outerChain &&
      known.outerRepository?.top === outerRepository?.top &&
      (!known.hasRules || known.rulesStamp === rulesStamp(at));
    // The index may have changed without the folder.
    if (isSame) return { ...known, ...(await this.repositoryFor(below, at, known, outerRepository)) };
    if (stats.size > this.maxFiles * FOLDER_BYTES_PER_FILE)
      throw new TooManyFilesError(`more than ${this.maxFiles} files`);
    const now = Date.now();
    const entries = entriesOf(at);
    if (entries === 'unreadable') {
      visitor.unreadable(below);
      return undefined;
    }
    const hasRepository = below !== '' && entries.some(({ name }) => name === '.git');
    const repository = hasRepository
      ? ((await this.repositoryAt(at, { strip: below.length + 1, prepend: '' })) ?? outerRepository)
      : outerRepository;
    const hasRules = entries.some(({ name }) => name === '.gitignore');
    const place = { strip: below === '' ? 0 : below.length + 1, prepend: '' };
    const above = hasRepository ? undefined : outerChain;
    const chain = hasRules ? withRules(above, at, place) : above;
    const prefix = below === '' ? '' : `${below}/`;
    const tracked = trackedNames(repository, prefix);
    const files: string[] = [];
    const folders: string[] = [];
    for (const [index, entry] of entries.entries()) {
      if (index % ENTRIES_AT_ONCE === 0 && this.isSliceOver) await this.pause();
      const { name } = entry;
      // A name that is no UTF-8 cannot be asked for again.
      if (name === '.git' || name.includes('\ufffd')) continue;
      const isFolder = entry.isDirectory();
      if (!isFolder && !entry.isFile() && !entry.isSymbolicLink()) continue;
      if (!tracked?.(prefix + name, isFolder) && isIgnored(chain, prefix + name, isFolder)) continue;
      (isFolder ? folders : files).push(name);
    }
    const isYoung = now - Math.max(stats.mtimeMs, stats.ctimeMs) < CLOCK_TICK_MS;
    return {
      ...{ stamp, isYoung, outerChain, outerRepository, chain, repository, files, folders, hasRules },
      rulesStamp: hasRules ? rulesStamp(at) : '',
    };
  }

  /** Of a folder that has not changed: its repository with the index of now. */
  private async repositoryFor(
    below: string,
    at: string,
    known: ScannedFolder,
    outer: ScannedRepository | undefined,
  ): Promise<Pick<ScannedFolder, 'repository' | 'outerRepository'>> {
    const isOwn = below !== '' && known.repository?.top === at;
    const repository = isOwn ? await this.repositoryAt(at, { strip: below.length + 1, prepend: '' }) : outer;
    return { repository, outerRepository: outer };
  }

  private async repositoryAt(
    top: string,
    place: { strip: number; prepend: string },
  ): Promise<ScannedRepository | undefined> {
    if (!this.current.has(top)) {
      if (this.current.size >= MAX_REPOSITORIES) return undefined;
      const tracked = await readTrackedFiles(top, this.bounds, this.indexes.get(top));
      if (tracked) this.indexes.set(top, tracked);
      this.current.set(top, tracked);
    }
    return { top, tracked: this.current.get(top), ...place };
  }

  /** The repository of the workspace, and the rules of the folders from its top down. */
  private async outside(): Promise<Pending> {
    const none = { below: '', chain: undefined, repository: undefined };
    const names: string[] = [];
    for (let at = this.root; this.bounds?.mayContainTop(at) ?? true; at = path.dirname(at)) {
      const found = await gitFolderAt(at);
      if (found) {
        // As a folder of build results: what is in it is no part of that repository.
        if (isLeftOut(at, found.common, names)) return none;
        const prepend = names.map((name) => `${name}/`).join('');
        const repository = await this.repositoryAt(at, { strip: 0, prepend });
        this.outer ??= outerChain(at, found.common, names);
        return { below: '', chain: this.outer, repository };
      }
      if (at === path.dirname(at)) return none;
      names.unshift(path.basename(at));
    }
    return none;
  }

  /** Read once: what is above the workspace is not the agent's work. */
  private outer: RuleChain | undefined;
}

function outerChain(top: string, common: string, names: readonly string[]): RuleChain | undefined {
  const way = (from: number): string =>
    names
      .slice(from)
      .map((name) => `${name}/`)
      .join('');
  const place = { strip: 0, prepend: way(0) };
  let chain = withRules(undefined, path.join(common, 'info'), place, 'exclude');
  let at = top;
  for (const [index, name] of names.entries()) {
    chain = withRules(chain, at, { strip: 0, prepend: way(index) });
    at = path.join(at, name);
  }
  return chain;
}

/** Whether the rules of a repository leave out a folder below it. @param names those on the way to it */
function isLeftOut(top: string, common: string, names: readonly string[]): boolean {
  return names.some((name, depth) => {
    const place = (from: number): Place => ({
      strip: 0,
      prepend: names
        .slice(from, depth)
        .map((each) => `${each}/`)
        .join(''),
    });
    let chain = withRules(undefined, path.join(common, 'info'), place(0), 'exclude');
    for (let from = 0; from <= depth; from += 1)
      chain = withRules(chain, path.join(top, ...names.slice(0, from)), place(from));
    return isIgnored(chain, name, true);
  });
}

/** Whether git tracks a file, or something in a folder, that its rules leave out. */
function trackedNames(
  repository: ScannedRepository | undefined,
  prefix: string,
): ((file: string, isFolder: boolean) => boolean) | undefined {
  const entries = repository?.tracked?.entries;
  if (!repository || !entries || entries.size === 0 || prefix.length < repository.strip) return undefined;
  return (file, isFolder) => !isFolder && entries.has(placed(repository, file));
}

function statOf(file: string): Stats | undefined | 'unreadable' {
  try {
    // Synchronous: a round trip to a thread costs ten times the call.
    return fs.lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    return errorCode(error) === 'ENOTDIR' ? undefined : 'unreadable';
  }
}

function entriesOf(folder: string): fs.Dirent[] | 'unreadable' {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '') ? [] : 'unreadable';
  }
}
