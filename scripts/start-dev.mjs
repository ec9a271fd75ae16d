// `npm run start:dev`: runs `nest start --watch`, which builds into `dist/dev`, and ends it on a signal.
// Nest's spinner puts a terminal into raw mode, where Ctrl-C is a character that nobody reads while types are
// checked: Nest gets no terminal to read from. Its check of types ignores signals while it works: what is
// left of its process group is killed. The page of the console is built and watched beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A server exits within 10 s of a signal. */
const TIMEOUT_MS = 12_000;

/** Ctrl-C arrives twice: from the terminal, and from npm. */
const SAME_SIGNAL_MS = 500;

const SHOW_CURSOR = '\x1b[?25h';

let watching;
let endingSince;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(signal));

const root = fileURLToPath(new URL('..', import.meta.url));
const page = spawn(process.execPath, ['scripts/console.mjs', 'dist/console', '--watch'], {
  cwd: root,
  // It ends when the channel closes, so also when this process is killed.
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  detached: true,
});
// The server looks for it at its start.
await Promise.race([once(page, 'message'), once(page, 'exit')]);

const nest = fileURLToPath(new URL('../node_modules/@nestjs/cli/bin/nest.js', import.meta.url));
const args = process.argv.slice(process.argv[2] === '--' ? 3 : 2);
watching = spawn(process.execPath, [nest, 'start', '--watch', '--', ...args], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  // A process group of its own, which the terminal does not signal.
  detached: true,
});

watching.once('exit', (code) => {
  killGroup();
  // Nest's spinner has hidden it.
  if (process.stdout.isTTY) process.stdout.write(SHOW_CURSOR);
  process.exit(code ?? 1);
});

/** Nest passes the signal to the server, and ends with its exit code. A second signal does not wait. */
function end(signal) {
  if (watching === undefined) process.exit(0);
  if (endingSince !== undefined) {
    if (Date.now() - endingSince > SAME_SIGNAL_MS) killGroup();
    return;
  }
  endingSince = Date.now();
  watching.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  setTimeout(killGroup, TIMEOUT_MS);
}

function killGroup() {
  try {
    process.kill(-watching.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
