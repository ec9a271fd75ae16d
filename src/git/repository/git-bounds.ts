import { open, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isInside, NO_RULES, type FileRules } from '../../files/index.js';
import type { Confinement } from '../../sandbox/index.js';
import { GitPathError } from '../git-errors.js';
import { type GitFolder, firstLineOf, PLAIN_READ } from './git-folder.js';

/** Where the parts of a repository may be. Absolute paths. */
interface GitAreas {
  /** Folders whose content is allowed. */
  folders: readonly string[];
  /** Worktrees in this folder may belong to a repository outside, if that repository lists them. */
  worktrees: string;
  /** What the sandbox allows of them. */
  rules?: FileRules;
  /** What git itself is confined to; undefined: it runs outside of the sandbox. */
  confinement?: Confinement;
}

const PARTS = ['config', 'objects', 'refs', 'packed-refs', 'shallow', 'reftable', 'info/exclude'];
const OWN_PARTS = ['HEAD', 'index'];
/** Maximum size of the alternates file (bytes). */
const MAX_ALTERNATES = 64 * 1024;
/** Maximum nesting of alternates, as in git. */
const MAX_DEPTH = 5;

/** Restricts repositories to some folders: links, `gitdir:` files and alternates could lead out of them. */
export class GitBounds {
  private constructor(
    private readonly folders: readonly string[],
    private readonly worktrees: string,
    private readonly rules: FileRules,
    /** What git itself is confined to; undefined: nothing. */
    readonly confinement: Confinement | undefined,
  ) {}

  static async of({ folders, worktrees, rules = NO_RULES, confinement }: GitAreas): Promise<GitBounds> {
    const real = await Promise.all(folders.map(realPathOf));
    return new GitBounds(real, await realPathOf(worktrees), rules, confinement);
  }

  /**
   * Whether a folder (real path) may be the top of a repository; the search upwards ends where it may not.
   */
  mayContainTop(folder: string): boolean {
    return isWithin({ areas: [...this.folders, this.worktrees], rules: this.rules }, folder);
  }

  /** @throws GitPathError for a repository with a part outside the bounds */
  async assertContains(folder: GitFolder): Promise<void> {
    const areas = [...this.folders];
    if (await this.isKnownWorktree(folder)) areas.push(await realPathOf(folder.common));
    const parts = [
      folder.own,
      folder.common,
      ...OWN_PARTS.map((name) => path.join(folder.own, name)),
      ...PARTS.map((name) => path.join(folder.common, name)),
    ];
    const bounds = { areas, rules: this.rules };
    for (const part of parts) assertWithin(bounds, await realPathOf(part));
    await assertObjects(bounds, path.join(folder.common, 'objects'));
  }

  /** Whether the outside repository itself lists the folder as its worktree. */
  private async isKnownWorktree({ top, own, common }: GitFolder): Promise<boolean> {
    if (!isInside(this.worktrees, top)) return false;
    const entry = await firstLineOf(path.join(own, 'gitdir'));
    if (entry === undefined) return false;
    const known = path.join(await realPathOf(common), 'worktrees');
    const named = await realPathOf(path.resolve(own, entry));
    return path.dirname(await realPathOf(own)) === known && named === path.join(top, '.git');
  }
}

/** Folders (real paths), and what may be read of them. */
interface Bounds {
  areas: readonly string[];
  rules: FileRules;
}

/** Checks a folder of objects and its alternates. */
async function assertObjects(bounds: Bounds, objects: string, depth = 0): Promise<void> {
  assertWithin(bounds, await realPathOf(objects));
  await assertLinks(bounds, objects, true);
  for (const line of await alternates(path.join(objects, 'info', 'alternates'))) {
    if (depth >= MAX_DEPTH) throw outsideError();
    await assertObjects(bounds, path.resolve(objects, line), depth + 1);
  }
}

async function assertLinks(bounds: Bounds, folder: string, deep: boolean): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const file = path.join(folder, entry.name);
    if (entry.isSymbolicLink()) assertWithin(bounds, await realPathOf(file));
    if (deep && !entry.isFile()) await assertLinks(bounds, file, false);
  }
}

/** The lines of an alternates file. Quoted lines are rejected instead of parsed. */
async function alternates(file: string): Promise<string[]> {
  const handle = await open(file, PLAIN_READ).catch(() => undefined);
  if (!handle) return [];
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > MAX_ALTERNATES) throw outsideError();
    const lines = (await handle.readFile('utf8')).split('\n').filter((line) => line !== '');
    if (lines.some((line) => line.startsWith('"'))) throw outsideError();
    return lines.filter((line) => !line.startsWith('#'));
  } finally {
    await handle.close();
  }
}

function assertWithin(bounds: Bounds, file: string): void {
  if (!isWithin(bounds, file)) throw outsideError();
}

function isWithin({ areas, rules }: Bounds, file: string): boolean {
  return areas.some((area) => isInside(area, file)) && rules.refusal(file, 'read') === undefined;
}

function outsideError(): GitPathError {
  return new GitPathError('The repository has parts outside the folder that this server serves');
}

/** The real path; for a missing file, the real path of its deepest existing parent plus the rest. */
async function realPathOf(file: string): Promise<string> {
  const found = await realpath(file).catch(() => undefined);
  if (found !== undefined) return found;
  const parent = path.dirname(file);
  return parent === file ? file : path.join(await realPathOf(parent), path.basename(file));
}
