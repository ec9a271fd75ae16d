import { existsSync, realpathSync } from 'node:fs';
import type { ConfinementScope } from './sandbox.js';

/** The most paths that are held; those that were not used for the longest time are resolved again. */
const MAX_HELD = 10_000;

/** The real paths of what conversations work with, which all confinements of a conversation share. */
export class RealPaths {
  /** By conversation and path, the least recently used first. */
  private readonly held = new Map<string, string>();

  /**
   * A scope whose existing folders are named without symbolic links, as mounts need them. In a conversation
   * they stay what they were at first: another agent that may write above its workspace could put a link in
   * its place later.
   */
  scope(scope: ConfinementScope): ConfinementScope {
    const { workspace, folder, since = '', root, repository } = scope;
    const real = (file: string): string =>
      folder === undefined ? realPath(file) : this.hold(`${folder}\0${since}\0${file}`, file);
    return {
      ...scope,
      workspace: real(workspace),
      ...(folder !== undefined && { folder: realPath(folder) }),
      ...(root !== undefined && { root: real(root) }),
      ...(repository !== undefined && { repository: real(repository) }),
    };
  }

  private hold(key: string, file: string): string {
    const known = this.held.get(key);
    if (known === undefined && !existsSync(file)) return file;
    const real = known ?? realPath(file);
    this.held.delete(key);
    const [oldest] = this.held.keys();
    if (this.held.size >= MAX_HELD && oldest !== undefined) this.held.delete(oldest);
    this.held.set(key, real);
    return real;
  }
}

/** The path itself if nothing is there. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
