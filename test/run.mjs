import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { currentBuild, idOfSources } from '../scripts/builds.mjs';

/**
 * Jest needs the first one to run ES modules. The others, in MiB, are for its processes only: what a file
 * loads lives until its end, and as V8's heaps are small at first, a twelfth of the CPU time of a file was
 * spent on collecting garbage meanwhile.
 */
const NODE_OPTIONS = [
  '--experimental-vm-modules',
  '--min-semi-space-size=16',
  '--max-semi-space-size=32',
  '--initial-old-space-size=500',
];

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const args = process.argv.slice(2);
// Tests in `test/` start the server of the current build.
if (!args.length || args.some((arg) => !arg.startsWith('src'))) await warnOfOldBuild();
const child = spawn(
  process.execPath,
  [...NODE_OPTIONS, '--no-warnings', jest, '--config', 'jest.config.mjs', ...args],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

async function warnOfOldBuild() {
  if ((await currentBuild()) !== (await idOfSources()))
    console.warn('the sources have changed: tests in test/ need `npm run build` first\n');
}
