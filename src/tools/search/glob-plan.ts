import path from 'node:path';
import { globMatcher, hasWildcard } from './glob-matcher.js';

/** Where the files of a glob pattern are, and which of those below are meant. */
interface GlobPlan {
  /** Absolute path. */
  folder: string;
  /** Whether the file at this path below the folder is meant. */
  accepts: (file: string) => boolean;
  /** It asks for names that begin with a dot. */
  hidden: boolean;
}

/**
 * Makes a plan of a pattern that is absolute or relative to `root`. One without a slash is for names at any
 * depth.
 * @throws SearchError
 */
export function planGlob(root: string, pattern: string): GlobPlan {
  const segments = pattern.split('/');
  if (segments.length === 1) return { folder: root, ...plan(`**/${pattern}`) };
  const first = segments.findIndex(hasWildcard);
  // The last one is for files, wildcard or not.
  const fixed = first === -1 ? segments.length - 1 : first;
  const folder = `${segments.slice(0, fixed).join('/')}${pattern.startsWith('/') ? '/' : ''}`;
  return { folder: path.resolve(root, folder), ...plan(segments.slice(fixed).join('/')) };
}

function plan(glob: string): Omit<GlobPlan, 'folder'> {
  return { accepts: globMatcher(glob), hidden: /(^|[/{,])\./.test(glob) };
}
