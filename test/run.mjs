import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Jest needs this flag of Node to run ES modules.
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const args = process.argv.slice(2);
if (!args.length || args.some((arg) => !arg.startsWith('src'))) warnOfOldBuild();
const child = spawn(
  process.execPath,
  ['--experimental-vm-modules', '--no-warnings', jest, '--config', 'jest.config.mjs', ...args],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

/** Warns if `src/` has changed since the build, because tests in `test/` start the server from `dist/`. */
function warnOfOldBuild() {
  const built = statSync(atRoot('dist/main.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const changed = readdirSync(atRoot('src'), { recursive: true }).find(
    (file) => /(?<!\.spec)\.ts$/.test(file) && statSync(atRoot('src', file)).mtimeMs > built,
  );
  if (changed !== undefined) {
    console.warn(`src/${changed} is newer than dist/: tests in test/ need \`npm run build\` first.\n`);
  }
}

/** The path of a file of this repository. */
function atRoot(...parts) {
  return path.join(fileURLToPath(new URL('..', import.meta.url)), ...parts);
}
