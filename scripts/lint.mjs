// All checks that do not run the code: `npm run lint`, two or more at a time. All run to their end, whatever
// fails, and each prints its output then.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The arguments of Node. The longest check is the first one. */
const CHECKS = {
  'Types and rules (oxlint)': ['node_modules/oxlint/bin/oxlint', '--disable-nested-config'],
  ESLint: ['node_modules/eslint/bin/eslint.js', '.'],
  Prettier: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'],
  Imports: [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    '--output-type=err-long',
    'src',
    'console/src',
    'bench/**/*.ts',
  ],
};

const waiting = Object.entries(CHECKS);
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, runWaiting));

async function runWaiting() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await run(...next);
}

async function run(name, args) {
  const started = Date.now();
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...color },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    once(child, 'exit'),
  ]);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${code === 0 ? 'passed' : 'failed'} after ${seconds} s`);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  if (code !== 0) process.exitCode = 1;
}
