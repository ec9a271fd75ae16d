import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { displayBase, requireCommit } from './base-ref.js';
import type { GitBounds } from '../repository/git-bounds.js';
import { GitPathError } from '../git-errors.js';
import { Repository } from '../repository/repository.js';

/** A file before and after; both are null without a repository. */
export interface GitDiff {
  modified: string | null;
  original: string | null;
}

/** Maximum size of a compared file, as in the original. */
const MAX_BYTES = 1_048_576;
/** Line ends, as Python's `splitlines` in the original. */
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

/**
 * A file of the work tree, and its content in the base.
 * @param file absolute, its folder without links
 * @throws GitPathError, GitCommandError
 */
export async function diffOfFile(
  file: string,
  ref: string | undefined,
  bounds: GitBounds | undefined,
): Promise<GitDiff> {
  const present = await readWorkTreeFile(file);
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
 * A file in a commit, and in its first parent.
 * @throws GitPathError, GitCommandError
 */
export function diffOfCommit(file: string, sha: string, bounds: GitBounds | undefined): Promise<GitDiff> {
  return inRepositoryOf(file, bounds, async (repository, name) => {
    if (!repository) return { modified: null, original: null };
    const commit = await requireCommit(repository, sha);
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

/** The content of a file; undefined if it is missing, empty if it is not UTF-8 or not a file. */
async function readWorkTreeFile(file: string): Promise<string | undefined> {
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
    return joinLines(decodeUtf8(buffer.subarray(0, bytesRead)));
  } finally {
    await handle.close();
  }
}

/** The content of a file, or the listing of a folder, in a commit. */
async function contentAt(repository: Repository, commit: string, name: string): Promise<string | undefined> {
  const entry = /^\d+ (\w+) ([0-9a-f]+) +(\d+|-)\t/.exec(await treeEntry(repository, commit, name));
  const [, type, sha = '', size] = entry ?? [];
  if (type === 'blob') {
    if (Number(size) > MAX_BYTES) throw tooLarge(Number(size));
    return joinLines((await repository.git(['cat-file', 'blob', sha])).toString());
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

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return '';
  }
}

function joinLines(text: string): string {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  return lines.join('\n');
}
