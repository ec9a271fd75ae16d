import path from 'node:path';
import type { ConfinedFiles } from '../../files/index.js';
import { FileToolError } from './file-tool-error.js';

/** What exists at a path. */
export type PathKind = 'file' | 'directory' | 'missing';

/**
 * A path without repeated and trailing slashes and `.` segments. Keeps `..`, because removing it changes the
 * meaning of a path through a symbolic link.
 */
export function tidyPath(given: string): string {
  const parts = given.split('/').filter((part) => part !== '' && part !== '.');
  if (given.startsWith('/')) return `/${parts.join('/')}`;
  return parts.length === 0 ? '.' : parts.join('/');
}

/**
 * What exists at a path, following symbolic links. One that cannot be inspected counts as missing.
 * @throws FileRefusal
 */
export async function pathKind(files: ConfinedFiles, file: string): Promise<PathKind> {
  const kind = await files.kind(file);
  return kind === 'other' ? 'file' : kind;
}

/**
 * Rejects a relative path, with a hint if it exists in the workspace.
 * @throws FileToolError, FileRefusal
 */
export async function requireAbsolute(files: ConfinedFiles, file: string, workingDir: string): Promise<void> {
  if (path.isAbsolute(file)) return;
  const candidate = path.join(workingDir, file);
  const hint = (await pathKind(files, candidate)) === 'missing' ? '' : ` Maybe you meant ${candidate}?`;
  throw FileToolError.invalid('path', file, `The path should be an absolute path.${hint}`);
}
