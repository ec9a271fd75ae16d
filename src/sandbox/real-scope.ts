import { existsSync, realpathSync } from 'node:fs';
import type { ConfinementScope } from './sandbox.js';

/** The most paths that are held; those that were held first are resolved again. */
const MAX_HELD = 10_000;
/** Real paths by the folder of a conversation and a path: all confinements of a conversation share them. */
const held = new Map<string, string>();

/**
 * A scope whose existing folders are named without symbolic links, as mounts need them. In a conversation
 * they stay what they were at first: another agent that may write above its workspace could put a link in
 * its place later.
 */
export function realScope(scope: ConfinementScope): ConfinementScope {
  const { workspace, folder, root, repository } = scope;
  const real = (file: string): string => (folder === undefined ? realPath(file) : heldPath(folder, file));
  return {
    ...scope,
    workspace: real(workspace),
    ...(folder !== undefined && { folder: realPath(folder) }),
    ...(root !== undefined && { root: real(root) }),
    ...(repository !== undefined && { repository: real(repository) }),
  };
}

function heldPath(folder: string, file: string): string {
  const key = `${folder}\0${file}`;
  const known = held.get(key);
  if (known !== undefined) return known;
  if (!existsSync(file)) return file;
  const [oldest] = held.keys();
  if (held.size >= MAX_HELD && oldest !== undefined) held.delete(oldest);
  const real = realPath(file);
  held.set(key, real);
  return real;
}

/** The path itself if nothing is there. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
