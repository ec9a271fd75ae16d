import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { ProgramStart } from './sandbox.js';

/**
 * Finds a program as `spawn` does: in `PATH` of its own environment, or by its path.
 * @throws an error like that of `spawn`, with the code ENOENT or EACCES
 */
export function findProgram({ file, args, cwd, env }: ProgramStart): string {
  const found = file.includes('/')
    ? [path.resolve(cwd, file)]
    : (env['PATH'] ?? '/usr/local/bin:/bin:/usr/bin')
        .split(path.delimiter)
        .map((folder) => path.resolve(cwd, folder, file));
  let code = 'ENOENT';
  for (const candidate of found) {
    try {
      accessSync(candidate, constants.F_OK);
      code = 'EACCES';
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // The next folder may have it.
    }
  }
  const syscall = `spawn ${file}`;
  throw Object.assign(new Error(`${syscall} ${code}`), { code, syscall, path: file, spawnargs: args });
}
