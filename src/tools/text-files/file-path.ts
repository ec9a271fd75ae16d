import { stat } from 'node:fs/promises';
import path from 'node:path';
import { EditorError } from './file-tool-error.js';

/** What a path leads to. */
export type PathKind = 'file' | 'directory' | 'missing';

/**
 * The path as it is shown: without doubled and trailing slashes and `.` parts. `..` stays: it may cross a
 * link.
 */
export function tidyPath(given: string): string {
  const parts = given.split('/').filter((part) => part !== '' && part !== '.');
  if (given.startsWith('/')) return `/${parts.join('/')}`;
  return parts.length === 0 ? '.' : parts.join('/');
}

/** What a path leads to, links followed. */
export async function pathKind(file: string): Promise<PathKind> {
  try {
    return (await stat(file)).isDirectory() ? 'directory' : 'file';
  } catch {
    // Whatever the reason is that it cannot be looked at: for the model it is not there.
    return 'missing';
  }
}

/**
 * Refuses a relative path, with a hint when the workspace has such a file.
 * @throws EditorError
 */
export async function requireAbsolute(file: string, workingDir: string): Promise<void> {
  if (path.isAbsolute(file)) return;
  const candidate = path.join(workingDir, file);
  const hint = (await pathKind(candidate)) === 'missing' ? '' : ` Maybe you meant ${candidate}?`;
  throw EditorError.invalid('path', file, `The path should be an absolute path.${hint}`);
}
