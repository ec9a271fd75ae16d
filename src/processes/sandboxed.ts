import { readFileSync } from 'node:fs';

/**
 * Programs in a sandbox run below two processes of bubblewrap: the one that was started and leads the group,
 * and the first process of their namespace. Neither passes signals on, and when one ends, all that run below
 * it are killed.
 */
const LAUNCHER = 'bwrap';

/** Whether a process is one of bubblewrap's own. False once it has ended. */
export function isLauncher(pid: number): boolean {
  return read(`/proc/${pid}/comm`).trim() === LAUNCHER;
}

/** The program that bubblewrap runs; the process itself if it is not bubblewrap or has not started it. */
export function programOf(pid: number): number {
  let program = pid;
  while (isLauncher(program)) {
    const [child] = childrenOf(program);
    if (child === undefined) return pid;
    program = child;
  }
  return program;
}

/** The processes below a launcher that belong to its process group, without those of bubblewrap. */
export function groupBelow(launcher: number): number[] {
  const members: number[] = [];
  const open = childrenOf(launcher);
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    open.push(...childrenOf(pid));
    if (groupOf(pid) === launcher && !isLauncher(pid)) members.push(pid);
  }
  return members;
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

function groupOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // The name before it may contain any character, including parentheses.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

/** Reads a file of /proc, which never waits for a disk. Empty if the process has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
