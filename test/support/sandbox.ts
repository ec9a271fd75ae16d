import { spawnSync } from 'node:child_process';

/**
 * Environment of servers whose tests follow processes by the numbers that these print: in a sandbox they have
 * numbers of their own.
 */
export const WITHOUT_SANDBOX = { OH_SANDBOX: 'off' };

/** Why programs cannot be confined here; undefined if they can. */
const MISSING = missing();

/** A `describe` block whose tests need bubblewrap: they are skipped where it does not work. */
export const describeWithBubblewrap = MISSING === undefined ? describe : describe.skip;

/** Environment of servers whose own keys work where bubblewrap does not: there such keys need this leave. */
export const OWN_KEYS_SANDBOX: Record<string, string> =
  MISSING === undefined ? {} : { OH_OWN_KEYS_SANDBOX: 'off' };
if (MISSING !== undefined) process.stderr.write(`tests of the sandbox are skipped: ${MISSING}\n`);

function missing(): string | undefined {
  const words = ['--bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--unshare-pid', '--', '/bin/true'];
  const { error, status, stderr } = spawnSync('bwrap', words, { encoding: 'utf8', timeout: 10_000 });
  if (error) return 'bubblewrap (bwrap) is not installed';
  return status === 0 ? undefined : `bubblewrap does not work: ${stderr.trim()}`;
}
