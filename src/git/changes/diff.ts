import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { displayBase, namedCommit } from './base-ref.js';
import type { GitBounds } from '../repository/git-bounds.js';
import { GitPathError } from '../git-errors.js';
import { Repository } from '../repository/repository.js';

/** A file before and after; both null where there is no repository. */
export interface GitDiff {
  modified: string | null;
  original: string | null;
}

/** Bytes of a file that is still compared. The original's number. */
const MAX_BYTES = 1_048_576;
/** Where lines end, as the original sees it. */
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

/**
 * A file of the work tree beside what it was.
 * @param file absolute, its folder without links
 * @throws GitPathError, GitCommandError
 */
export async function diffOfFile(
  file: string,
  ref: string | undefined,
  bounds: GitBounds | undefined,
): Promise<GitDiff> {
  const present = await readPresent(file);
  const missing = new GitPathError(`File does not exist: ${file}`);
  return inRepositoryOf(file, bounds, async (repository, name) => {
    if (!repository) {
      if (present === undefined) throw missing;
      return { modified: null, original: null };
    }
    const base = await displayBase(repository, ref);
    const before = await contentAt(repository, base, name);
    if (present === undefined && before === undefined) throw missing;
    return { modified: present ?? '', original: before ?? '' };
  });
}

/**
 * A file as a commit left it beside what it was before.
 * @throws GitPathError, GitCommandError
 */
export function diffOfCommit(file: string, sha: string, bounds: GitBounds | undefined): Promise<GitDiff> {
  return inRepositoryOf(file, bounds, async (repository, name) => {
    if (!repository) return { modified: null, original: null };
    const commit = await namedCommit(repository, sha);
    const parent = await repository.tryGit(['rev-parse', '--verify', '--quiet', `${commit}^`]);
    const before =
      parent === undefined || parent === '' ? undefined : await contentAt(repository, parent, name);
    return { modified: (await contentAt(repository, commit, name)) ?? '', original: before ?? '' };
  });
}

async function inRepositoryOf<T>(
  file: string,
  bounds: GitBounds | undefined,
  work: (repository: Repository | undefined, name: string) => Promise<T>,
): Promise<T> {
  const repository = await Repository.open(file, bounds);
  try {
    return await work(repository, repository ? path.relative(repository.folder.top, file) : '');
  } finally {
    await repository?.close();
  }
}

/** The file as it is; undefined when there is none, empty when it is no text. */
async function readPresent(file: string): Promise<string | undefined> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    const code = errorCode(error) ?? '';
    if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined;
    throw new GitPathError(`Cannot access file: ${file}`);
  });
  if (!handle) return undefined;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return '';
    if (stats.size > MAX_BYTES) throw tooLarge(stats.size);
    const buffer = Buffer.alloc(stats.size);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return asLines(decoded(buffer.subarray(0, bytesRead)));
  } finally {
    await handle.close();
  }
}

/** A file, or a list of what is in a folder, as a commit has it. */
async function contentAt(repository: Repository, commit: string, name: string): Promise<string | undefined> {
  const entry = /^\d+ (\w+) ([0-9a-f]+) +(\d+|-)\t/.exec(await treeEntry(repository, commit, name));
  const [, type, sha = '', size] = entry ?? [];
  if (type === 'blob') {
    if (Number(size) > MAX_BYTES) throw tooLarge(Number(size));
    return asLines((await repository.git(['cat-file', 'blob', sha])).toString());
  }
  if (type !== 'tree') return undefined;
  const listed = (await repository.git(['ls-tree', '-z', sha])).toString().split('\0');
  const names = listed.flatMap((line) => {
    const [, kind, below] = /^\d+ (\w+) [0-9a-f]+\t([^]+)$/.exec(line) ?? [];
    return below === undefined ? [] : [kind === 'tree' ? `${below}/` : below];
  });
  return [`tree ${commit}:${name}`, '', ...names].join('\n');
}

async function treeEntry(repository: Repository, commit: string, name: string): Promise<string> {
  if (name === '') return `040000 tree ${commit} -\t`;
  return (await repository.tryGit(['ls-tree', '-z', '--long', '--full-tree', commit, '--', name])) ?? '';
}

function tooLarge(size: number): GitPathError {
  return new GitPathError(`File too large for git diff: ${size} bytes (max: ${MAX_BYTES} bytes)`);
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return '';
  }
}

function asLines(text: string): string {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  return lines.join('\n');
}
