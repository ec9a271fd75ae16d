import os from 'node:os';
import path from 'node:path';

/** Where a person keeps what is meant for all projects. */
export interface UserFolders {
  /** `~/.agents`, which agents of any make read. */
  agents: string;
  /** The folder that OpenHands programs of one user share: `OH_PERSISTENCE_DIR`, else `~/.openhands`. */
  openhands: string;
}

/** @param baseDir what a relative `OH_PERSISTENCE_DIR` is relative to (absolute path) */
export function userFolders(baseDir: string): UserFolders {
  return { agents: path.join(os.homedir(), '.agents'), openhands: persistenceRoot(baseDir) };
}

/** The folder that OpenHands programs of one user share. */
export function persistenceRoot(baseDir: string): string {
  const named = process.env['OH_PERSISTENCE_DIR'];
  return named ? path.resolve(baseDir, named) : path.join(os.homedir(), '.openhands');
}
