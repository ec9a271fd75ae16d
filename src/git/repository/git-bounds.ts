import { open, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { GitPathError } from '../git-errors.js';
import { type GitFolder, nameIn, PLAIN_READ } from './git-folder.js';

/** Where the parts of a repository may be, all of them absolute paths. */
export interface GitAreas {
  /** Everything in these folders. */
  folders: readonly string[];
  /** Worktrees in this folder may belong to a repository elsewhere, if that knows of them. */
  worktrees: string;
}

const PARTS = ['config', 'objects', 'refs', 'packed-refs', 'shallow', 'reftable', 'info/exclude'];
const OWN_PARTS = ['HEAD', 'index'];
/** Bytes of a list of other object folders. */
const MAX_ALTERNATES = 64 * 1024;
/** Git itself follows no more of them. */
const MAX_DEPTH = 5;

/**
 * Keeps what is told of repositories within some folders: links, `gitdir:` and alternates may lead out of
 * them.
 */
export class GitBounds {
  private constructor(
    private readonly folders: readonly string[],
    private readonly worktrees: string,
  ) {}

  static async of({ folders, worktrees }: GitAreas): Promise<GitBounds> {
    return new GitBounds(await Promise.all(folders.map(real)), await real(worktrees));
  }

  /** Whether a repository may begin in a folder (real path); above that none is looked for. */
  mayBegin(folder: string): boolean {
    return [...this.folders, this.worktrees].some((area) => isWithin(area, folder));
  }

  /** @throws GitPathError for a repository with a part elsewhere */
  async assertHolds(folder: GitFolder): Promise<void> {
    const areas = [...this.folders];
    if (await this.isKnownWorktree(folder)) areas.push(await real(folder.common));
    const parts = [
      folder.own,
      folder.common,
      ...OWN_PARTS.map((name) => path.join(folder.own, name)),
      ...PARTS.map((name) => path.join(folder.common, name)),
    ];
    for (const part of parts) assertWithin(areas, await real(part));
    await assertObjects(areas, path.join(folder.common, 'objects'));
  }

  /** A repository that nobody has asked does not name a folder of somebody else as its worktree. */
  private async isKnownWorktree({ top, own, common }: GitFolder): Promise<boolean> {
    if (!isWithin(this.worktrees, top)) return false;
    const entry = await nameIn(path.join(own, 'gitdir'));
    if (entry === undefined) return false;
    const known = path.join(await real(common), 'worktrees');
    const named = await real(path.resolve(own, entry));
    return path.dirname(await real(own)) === known && named === path.join(top, '.git');
  }
}

/** Objects, and the folders with more of them. */
async function assertObjects(areas: readonly string[], objects: string, depth = 0): Promise<void> {
  assertWithin(areas, await real(objects));
  await assertLinks(areas, objects, true);
  for (const line of await alternates(path.join(objects, 'info', 'alternates'))) {
    if (depth >= MAX_DEPTH) throw outside();
    await assertObjects(areas, path.resolve(objects, line), depth + 1);
  }
}

async function assertLinks(areas: readonly string[], folder: string, deep: boolean): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const file = path.join(folder, entry.name);
    if (entry.isSymbolicLink()) assertWithin(areas, await real(file));
    if (deep && !entry.isFile()) await assertLinks(areas, file, false);
  }
}

/** The lines of the file; a quoted one would have to be read as git does, and is refused. */
async function alternates(file: string): Promise<string[]> {
  const handle = await open(file, PLAIN_READ).catch(() => undefined);
  if (!handle) return [];
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > MAX_ALTERNATES) throw outside();
    const lines = (await handle.readFile('utf8')).split('\n').filter((line) => line !== '');
    if (lines.some((line) => line.startsWith('"'))) throw outside();
    return lines.filter((line) => !line.startsWith('#'));
  } finally {
    await handle.close();
  }
}

function assertWithin(areas: readonly string[], file: string): void {
  if (!areas.some((area) => isWithin(area, file))) throw outside();
}

function outside(): GitPathError {
  return new GitPathError('The repository has parts outside the folder that this server serves');
}

function isWithin(area: string, file: string): boolean {
  const relative = path.relative(area, file);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`);
}

/** Without links; of what does not exist, the deepest part that does and the rest. */
async function real(file: string): Promise<string> {
  const found = await realpath(file).catch(() => undefined);
  if (found !== undefined) return found;
  const parent = path.dirname(file);
  return parent === file ? file : path.join(await real(parent), path.basename(file));
}
