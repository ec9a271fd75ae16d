#!/usr/bin/env node
// This is `dist/main.js`: it starts the current build. scripts/build.mjs copies it there, and an npm package
// contains it with a single build. It knows only where builds are, so that it never has to change with them.
import { realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const dist = path.dirname(fileURLToPath(import.meta.url));
const build = currentBuild();
if (build !== undefined) registerUser(build);
await import(pathToFileURL(path.join(build ?? dist, 'bundle/main.js')).href);

/**
 * The real folder of the current build, so that a later switch does not change what this process loads.
 * @returns undefined in an installed package
 */
function currentBuild() {
  try {
    return realpathSync(path.join(dist, 'current'));
  } catch {
    return undefined;
  }
}

/** Later builds keep this one while this process is alive. */
function registerUser(folder) {
  const file = path.join(folder, 'users', String(process.pid));
  try {
    writeFileSync(file, '');
    process.on('exit', () => rmSync(file, { force: true }));
  } catch {
    // The folder is read-only for this user, who does not build here either.
  }
}
