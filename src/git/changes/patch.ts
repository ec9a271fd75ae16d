import { lstat, mkdir, realpath, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { forEachBounded } from '../../flow/index.js';
import { GitPathError } from '../git-errors.js';
import { Repository } from '../repository/repository.js';

/** Time limit for hashing a whole tree (ms). */
const STAGING_MS = 300_000;
/** Maximum number of nested repositories, including submodules. */
const MAX_NESTED = 1_000;
/** Nested repositories that are read in parallel, and that are passed to one command. */
const MAX_PARALLEL = 4;
const MAX_ARGUMENTS = 100;

/** The content of a patch. */
interface PatchRequest {
  /** The commit or tree that it applies to. */
  base: string;
  pathspecs: readonly string[];
  /** Real path of the folder that it covers. */
  cwd: string;
  /** The output file. */
  out: FileHandle;
  /** Aborts it. */
  signal?: AbortSignal;
}

/**
 * Writes the patch from a base to the present files of a folder, including untracked ones. New objects are
 * written into the shadow repository. Git must not enter nested repositories, whose configuration could run
 * programs (monitors, filters): they are excluded from `git add`, and their commit, as we read it, is added
 * to the index.
 * @throws GitCommandError, GitPathError
 */
export async function writePatch(repository: Repository, wanted: PatchRequest): Promise<void> {
  const { base, pathspecs, cwd, out, signal } = wanted;
  const objects = path.join(repository.shadow, 'new-objects');
  await mkdir(objects);
  const env = {
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quotedPath(path.join(repository.folder.common, 'objects')),
  };
  const run = (args: readonly string[], more: { cwd?: string; out?: FileHandle } = {}) =>
    repository.run(args, { cwd, env, timeoutMs: STAGING_MS, signal, ...more });
  // Keeps the index entries, so that unchanged files are not read again.
  await run(['read-tree', '--reset', base]);
  const links = await findNested(repository, cwd);
  const limits = ['.', ...pathspecs];
  const file = path.join(repository.shadow, 'pathspecs');
  const excludes = links
    .filter(({ isFolder }) => isFolder)
    .map(({ name }) => `:(top,exclude,literal)${name}`);
  await writeFile(file, [...limits, ...excludes].join('\0'));
  await updateGitlinks(links, (args) => run(args, { cwd: repository.folder.top }));
  await run([
    'add',
    '--all',
    '--no-warn-embedded-repo',
    `--pathspec-from-file=${file}`,
    '--pathspec-file-nul',
  ]);
  const diff = ['diff', '--binary', '--no-ext-diff', '--no-textconv', '--find-renames', '--cached'];
  await run([...diff, '--ignore-submodules=none', base, '--', ...limits], { out });
}

/** A nested repository. */
interface Nested {
  /** Path relative to the top. */
  name: string;
  /** The index has it as a submodule. */
  isKnown: boolean;
  /** False if it was deleted or replaced by a file. */
  isFolder: boolean;
  /** Its commit; null if it has none or is not checked out. */
  head: string | null;
}

/** Finds the nested repositories and the submodules below a folder. */
async function findNested(repository: Repository, cwd: string): Promise<Nested[]> {
  const list = async (args: readonly string[]): Promise<string[]> =>
    (await repository.git(['ls-files', '--full-name', '-z', ...args], cwd)).toString().split('\0');
  const found = new Map<string, Nested>();
  const add = (name: string, isKnown: boolean): void => {
    if (!found.has(name)) found.set(name, { name, isKnown, isFolder: false, head: null });
  };
  for (const line of await list(['--stage'])) {
    const name = /^160000 [0-9a-f]+ \d\t([^]+)$/.exec(line)?.[1];
    if (name !== undefined) add(name, true);
  }
  for (const line of await list(['--others', '--exclude-standard'])) {
    if (line.endsWith('/')) add(line.slice(0, -1), false);
  }
  if (found.size > MAX_NESTED) {
    throw new GitPathError(`The repository has more than ${MAX_NESTED} repositories inside`);
  }
  await forEachBounded([...found.values()], MAX_PARALLEL, async (nested) => {
    const folder = path.join(repository.folder.top, nested.name);
    nested.isFolder = (await lstat(folder).catch(() => undefined))?.isDirectory() ?? false;
    if (nested.isFolder) nested.head = await headOf(folder, repository);
  });
  return [...found.values()];
}

async function headOf(folder: string, { bounds }: Repository): Promise<string | null> {
  // Git does not follow links to nested repositories either.
  if ((await realpath(folder)) !== folder) return null;
  const inner = await Repository.open(folder, bounds, true).catch((error: unknown) => {
    // Skips one that must not be read.
    if (error instanceof GitPathError) return undefined;
    throw error;
  });
  try {
    return (await inner?.tryGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])) ?? null;
  } finally {
    await inner?.close();
  }
}

/** Adds the commits of nested repositories to the index, and removes deleted submodules. */
async function updateGitlinks(
  links: readonly Nested[],
  run: (args: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const set: string[] = [];
  const gone: string[] = [];
  for (const { name, isKnown, isFolder, head } of links) {
    if (head !== null && head !== '') set.push('--cacheinfo', `160000,${head},${name}`);
    else if (isKnown && !isFolder) gone.push(name);
  }
  for (let at = 0; at < set.length; at += 2 * MAX_ARGUMENTS) {
    await run(['update-index', '--add', '--replace', ...set.slice(at, at + 2 * MAX_ARGUMENTS)]);
  }
  for (let at = 0; at < gone.length; at += MAX_ARGUMENTS) {
    await run(['update-index', '--force-remove', '--', ...gone.slice(at, at + MAX_ARGUMENTS)]);
  }
}

/** Quotes a path for a list that is separated by colons. */
function quotedPath(folder: string): string {
  return `"${folder.replace(/["\\]/g, '\\$&')}"`;
}
