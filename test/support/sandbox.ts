import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Environment of servers whose tests follow processes by the numbers that these print: in a sandbox they have
 * numbers of their own.
 */
export const WITHOUT_SANDBOX = { OH_SANDBOX: 'off' };

/**
 * Environment of the servers of all tests: `TEST_SANDBOX=workspace` runs them in another mode than users have
 * by default. Programs of the tests are in the checkout and beside Node, which are no part of the system.
 */
export const SANDBOX_OF_TESTS: Record<string, string> = sandboxOfTests(process.env['TEST_SANDBOX']);

/** Why programs cannot be confined here; undefined if they can. */
const MISSING = missing();

/** A `describe` block whose tests need bubblewrap: they are skipped where it does not work. */
export const describeWithBubblewrap = MISSING === undefined ? describe : describe.skip;

/** Environment of servers whose own keys work where bubblewrap does not: there such keys need this leave. */
export const OWN_KEYS_SANDBOX: Record<string, string> =
  MISSING === undefined ? {} : { OH_OWN_KEYS_SANDBOX: 'off' };
if (MISSING !== undefined) process.stderr.write(`tests of the sandbox are skipped: ${MISSING}\n`);

function sandboxOfTests(mode: string | undefined): Record<string, string> {
  if (mode === undefined) return {};
  const checkout = fileURLToPath(new URL('../..', import.meta.url));
  const node = path.dirname(path.dirname(process.execPath));
  return { OH_SANDBOX: mode, OH_SANDBOX_READABLE: JSON.stringify([checkout, node]) };
}

function missing(): string | undefined {
  const words = ['--bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--unshare-pid', '--', '/bin/true'];
  const { error, status, stderr } = spawnSync('bwrap', words, { encoding: 'utf8', timeout: 10_000 });
  if (error) return 'bubblewrap (bwrap) is not installed';
  return status === 0 ? undefined : `bubblewrap does not work: ${stderr.trim()}`;
}
