import { realpathSync } from 'node:fs';
import type { ConfinementScope } from './sandbox.js';

/** A scope whose existing folders are named without symbolic links, as mounts need them. */
export function realScope(scope: ConfinementScope): ConfinementScope {
  const { workspace, folder, root, repository } = scope;
  return {
    ...scope,
    workspace: realPath(workspace),
    ...(folder !== undefined && { folder: realPath(folder) }),
    ...(root !== undefined && { root: realPath(root) }),
    ...(repository !== undefined && { repository: realPath(repository) }),
  };
}

/** The path itself if nothing is there. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
