import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { settlesWithin } from '../flow/index.js';
import { groupBelow, isLauncher } from './sandboxed.js';

/** How long a program may take to end after its input was closed, and after SIGTERM (ms). */
const GRACE_MS = 1_000;

/** Whether a child has ended. Processes that it started may still run. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Calls the listener when a child ends, at once if it has ended. */
export function onExit(child: ChildProcess, listener: () => void): void {
  if (hasEnded(child)) listener();
  else child.once('exit', listener);
}

/** Sends a signal to the process group that a child leads. */
export function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) signalGroup(pid, signal);
}

/**
 * Sends a signal to a process group. In a sandbox it goes to the program and its group, so that they can end
 * by themselves: bubblewrap would end at once, and kill them.
 */
export function signalGroup(leader: number, name: NodeJS.Signals): void {
  const inside = name !== 'SIGKILL' && isLauncher(leader) ? groupBelow(leader) : [];
  for (const target of inside.length > 0 ? inside : [-leader]) {
    try {
      process.kill(target, name);
    } catch {
      // It has ended.
    }
  }
}

/**
 * Ends a child that leads a process group (`detached`) and all processes of the group: closes its input, then
 * sends SIGTERM, then SIGKILL. Resolves when the child has ended.
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
