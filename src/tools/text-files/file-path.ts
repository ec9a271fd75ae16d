import { stat } from 'node:fs/promises';
import path from 'node:path';
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

/** What exists at a path, following symbolic links. */
export async function pathKind(file: string): Promise<PathKind> {
  try {
    return (await stat(file)).isDirectory() ? 'directory' : 'file';
  } catch {
    // A path that cannot be inspected counts as missing, whatever the reason.
    return 'missing';
  }
}

/**
 * Rejects a relative path, with a hint if it exists in the workspace.
 * @throws FileToolError
 */
export async function requireAbsolute(file: string, workingDir: string): Promise<void> {
  if (path.isAbsolute(file)) return;
  const candidate = path.join(workingDir, file);
  const hint = (await pathKind(candidate)) === 'missing' ? '' : ` Maybe you meant ${candidate}?`;
  throw FileToolError.invalid('path', file, `The path should be an absolute path.${hint}`);
}
