import os from 'node:os';
import path from 'node:path';

/** Folders with what a user shares between projects. */
export interface UserFolders {
  /** `~/.agents`, which agents of several vendors read. */
  agents: string;
  /** Shared by the OpenHands programs of a user: `OH_PERSISTENCE_DIR`, else `~/.openhands`. */
  openhands: string;
}

/** @param baseDir base of a relative `OH_PERSISTENCE_DIR` (absolute path) */
export function userFolders(baseDir: string): UserFolders {
  return { agents: path.join(os.homedir(), '.agents'), openhands: persistenceRoot(baseDir) };
}

/** The folder that the OpenHands programs of a user share. */
export function persistenceRoot(baseDir: string): string {
  const named = process.env['OH_PERSISTENCE_DIR'];
  return named ? path.resolve(baseDir, named) : path.join(os.homedir(), '.openhands');
}
