import { lstat, mkdir, realpath, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { forEachBounded } from '../../flow/index.js';
import { GitPathError } from '../git-errors.js';
import { Repository } from '../repository/repository.js';

/** The longest that the hashing of a whole tree may take (ms). */
const STAGING_MS = 300_000;
/** Repositories inside a repository, submodules included. */
const MAX_NESTED = 1_000;
/** Of these so many are looked at together, and so many named on one command line. */
const AT_ONCE = 4;
const PER_COMMAND = 100;

/** What a patch is to hold. */
export interface WantedPatch {
  /** The commit or tree that it starts from. */
  base: string;
  pathspecs: readonly string[];
  /** Real path of the folder that it is of. */
  cwd: string;
  /** Where it is written. */
  out: FileHandle;
  /** Ends it. */
  signal?: AbortSignal;
}

/**
 * Writes the patch that leads from a base to the files of a folder as they are, untracked ones included. New
 * objects go into the folder of ours. Git never enters repositories inside: it would ask their own
 * configuration how (monitors, filters). They are left out of what git adds, and their commit, as we read it,
 * is put into the index by its name.
 * @throws GitCommandError, GitPathError
 */
export async function writePatch(repository: Repository, wanted: WantedPatch): Promise<void> {
  const { base, pathspecs, cwd, out, signal } = wanted;
  const objects = path.join(repository.shadow, 'new-objects');
  await mkdir(objects);
  const env = {
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quotedPath(path.join(repository.folder.common, 'objects')),
  };
  const run = (args: readonly string[], more: { cwd?: string; out?: FileHandle } = {}) =>
    repository.run(args, { cwd, env, timeoutMs: STAGING_MS, signal, ...more });
  // With the index as it was, what has not changed since is not read again.
  await run(['read-tree', '--reset', base]);
  const links = await nestedIn(repository, cwd);
  const limits = ['.', ...pathspecs];
  const file = path.join(repository.shadow, 'pathspecs');
  const excludes = links
    .filter(({ isFolder }) => isFolder)
    .map(({ name }) => `:(top,exclude,literal)${name}`);
  await writeFile(file, [...limits, ...excludes].join('\0'));
  await setLinks(links, (args) => run(args, { cwd: repository.folder.top }));
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

/** A repository inside another one. */
interface Nested {
  /** By path from the top. */
  name: string;
  /** The base has it as a submodule. */
  isKnown: boolean;
  /** Otherwise there is nothing, or a file in its place, and it is gone. */
  isFolder: boolean;
  /** Its commit; null: it has none, or is not checked out. */
  head: string | null;
}

/** The repositories below a folder, and the submodules of the base. */
async function nestedIn(repository: Repository, cwd: string): Promise<Nested[]> {
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
  await forEachBounded([...found.values()], AT_ONCE, async (nested) => {
    const folder = path.join(repository.folder.top, nested.name);
    nested.isFolder = (await lstat(folder).catch(() => undefined))?.isDirectory() ?? false;
    if (nested.isFolder) nested.head = await headOf(folder, repository);
  });
  return [...found.values()];
}

async function headOf(folder: string, { bounds }: Repository): Promise<string | null> {
  // Git follows no links on the way to one either.
  if ((await realpath(folder)) !== folder) return null;
  const inner = await Repository.open(folder, bounds, true).catch((error: unknown) => {
    // Of one that may not be read there is nothing to be told.
    if (error instanceof GitPathError) return undefined;
    throw error;
  });
  try {
    return (await inner?.tryGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])) ?? null;
  } finally {
    await inner?.close();
  }
}

/** Puts the commits of nested repositories into the index, and takes out submodules that are gone. */
async function setLinks(
  links: readonly Nested[],
  run: (args: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const set: string[] = [];
  const gone: string[] = [];
  for (const { name, isKnown, isFolder, head } of links) {
    if (head !== null && head !== '') set.push('--cacheinfo', `160000,${head},${name}`);
    else if (isKnown && !isFolder) gone.push(name);
  }
  for (let at = 0; at < set.length; at += 2 * PER_COMMAND) {
    await run(['update-index', '--add', '--replace', ...set.slice(at, at + 2 * PER_COMMAND)]);
  }
  for (let at = 0; at < gone.length; at += PER_COMMAND) {
    await run(['update-index', '--force-remove', '--', ...gone.slice(at, at + PER_COMMAND)]);
  }
}

/** A list of folders is separated by colons; quotes keep those of a name. */
function quotedPath(folder: string): string {
  return `"${folder.replace(/["\\]/g, '\\$&')}"`;
}
