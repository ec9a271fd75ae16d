import { spawn } from 'node:child_process';
import path from 'node:path';

/**
 * Runs the server as a child of Node's own watcher, which ends it in order and starts it again whenever a file of the
 * built server changes. Resolves with the watcher's exit code.
 */
export function runReloading(main: string, args: readonly string[]): Promise<number> {
  const rest = args.filter((arg) => arg !== '--reload');
  const watch = [`--watch-path=${path.dirname(main)}`, '--watch-preserve-output'];
  const child = spawn(process.execPath, [...watch, main, ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
