import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { settlesWithin } from '../flow/index.js';

/** How long a program may take to end by itself, and then to end when it is told to (ms). */
const GRACE_MS = 1_000;

/** Whether a child has ended. What it has started may live on. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Sends a signal to a child that leads a process group, and to all that is in the group. */
export function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of it has ended already.
  }
}

/**
 * Ends a child that leads a process group (`detached`), and all that is in the group: by closing its input,
 * then by asking, then by force. Resolves when it has ended.
 */
export async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const exit = once(child, 'exit');
  child.stdin?.end();
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await settlesWithin(exit, GRACE_MS)) break;
    killGroup(child, signal);
  }
  await exit;
  killGroup(child, 'SIGKILL');
}
