import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { currentBuild, idOfSources } from '../scripts/builds.mjs';

// Jest needs this flag of Node to run ES modules.
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const args = process.argv.slice(2);
// Tests in `test/` start the server of the current build.
if (!args.length || args.some((arg) => !arg.startsWith('src'))) await warnOfOldBuild();
const child = spawn(
  process.execPath,
  ['--experimental-vm-modules', '--no-warnings', jest, '--config', 'jest.config.mjs', ...args],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

async function warnOfOldBuild() {
  if ((await currentBuild()) !== (await idOfSources()))
    console.warn('the sources have changed: tests in test/ need `npm run build` first\n');
}
