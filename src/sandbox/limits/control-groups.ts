import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode, errorMessage } from '../../errors/index.js';
import { isProcessAlive } from '../../processes/index.js';
import { mountsOfType } from '../other-mounts.js';

/** Limits of all programs of a conversation together; null: none. */
interface GroupLimits {
  memoryMb: number | null;
  /** Threads count as processes. */
  processes: number | null;
}

/** The group of the server itself: a group that sets limits for others holds no processes (cgroups(7)). */
const OF_SERVER = 'agent-server';
/** Groups of programs are called `agent-programs-PID-NAME`, with the number of the server. */
const OF_PROGRAMS = /^agent-programs-(\d+)-/;
/**
 * The part of such a group that has the processes. Limits are set outside of it, where programs that mount
 * their own group cannot see them.
 */
const INNER = 'run';
/** How long (ms) a group is kept without a new program: one that is about to enter it must find it. */
const KEPT_MS = 60_000;
/** Enters a group, and becomes the program that follows. */
const ENTER =
  'echo $$ > "$1" || { echo "sandbox: the limits of this program cannot be set" >&2; exit 126; }; shift; exec "$@"';

/**
 * Control groups (version 2) below that of the server, one for the programs of each conversation. A program
 * enters its group before it is started, so that nothing of it runs outside.
 */
export class ControlGroups {
  /** When a program of each was last started (ms). */
  private readonly groups = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly parent: string,
    private readonly limits: GroupLimits,
  ) {
    for (const name of readdirSync(parent)) {
      const pid = Number(OF_PROGRAMS.exec(name)?.[1] ?? 0);
      // Of a server that was killed. In containers the new one often has the same number.
      if (pid !== 0 && (pid === process.pid || !isProcessAlive(pid))) remove(path.join(parent, name));
    }
    this.timer = setInterval(() => this.removeUnused(), KEPT_MS).unref();
  }

  /** Prepares the group of the server. @returns why it cannot make others, for people */
  static claim(limits: GroupLimits): ControlGroups | string {
    try {
      const parent = ownGroup();
      const needed = [
        ...(limits.memoryMb === null ? [] : ['memory']),
        ...(limits.processes === null ? [] : ['pids']),
      ];
      const there = read(parent, 'cgroup.controllers').split(/\s+/);
      const missing = needed.filter((name) => !there.includes(name));
      if (missing.length > 0) return `no control groups: ${missing.join(' and ')} is not delegated`;
      moveServer(parent);
      write(parent, 'cgroup.subtree_control', needed.map((name) => `+${name}`).join(' '));
      return new ControlGroups(parent, limits);
    } catch (error) {
      return `no control groups: ${errorMessage(error)}`;
    }
  }

  /**
   * Program and arguments that enter the group of a conversation and then run what follows.
   * @throws an error of the system
   */
  enter(folder: string | undefined): string[] {
    const name = folder === undefined ? 'others' : path.basename(folder).replace(/[^\w-]/g, '_');
    const group = path.join(this.parent, `agent-programs-${process.pid}-${name}`);
    if (!this.groups.has(group)) {
      mkdirSync(path.join(group, INNER), { recursive: true });
      const { memoryMb, processes } = this.limits;
      if (memoryMb !== null) {
        write(group, 'memory.max', String(memoryMb * 1024 * 1024));
        // Kernels may be built without it.
        if (existsSync(path.join(group, 'memory.swap.max'))) write(group, 'memory.swap.max', '0');
      }
      if (processes !== null) write(group, 'pids.max', String(processes));
    }
    this.groups.set(group, Date.now());
    return ['/bin/sh', '-c', ENTER, 'sh', path.join(group, INNER, 'cgroup.procs')];
  }

  /** Removes the groups whose processes have ended; the next start of a server removes the others. */
  close(): void {
    clearInterval(this.timer);
    for (const group of this.groups.keys()) remove(group);
  }

  private removeUnused(): void {
    for (const [group, used] of this.groups)
      if (Date.now() - used >= KEPT_MS && remove(group)) this.groups.delete(group);
  }
}

/** The folder of the group that the server may divide. @throws Error if there is none */
function ownGroup(): string {
  const [mount] = mountsOfType('cgroup2');
  // Version 2 has the number 0 and no name (cgroups(7)).
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const own = lines.find((line) => line.startsWith('0::'))?.slice('0::'.length);
  if (mount === undefined || own === undefined) throw new Error('this system has none of version 2');
  const folder = path.join(mount.at, path.relative(mount.root, own));
  // It was moved there by an earlier start.
  return path.basename(folder) === OF_SERVER ? path.dirname(folder) : folder;
}

/** @throws Error if the group is shared with processes that are none of the server's */
function moveServer(parent: string): void {
  // The group of the whole system may have processes.
  if (!existsSync(path.join(parent, 'cgroup.type'))) return;
  const inside = read(parent, 'cgroup.procs').split('\n').filter(Boolean).map(Number);
  // Such as npm, which waits for the server.
  if (inside.some((pid) => pid !== process.pid && pid !== process.ppid))
    throw new Error('the server shares its group with other processes');
  const leaf = path.join(parent, OF_SERVER);
  if (!existsSync(leaf)) mkdirSync(leaf);
  for (const pid of inside) write(leaf, 'cgroup.procs', String(pid));
}

function read(group: string, file: string): string {
  return readFileSync(path.join(group, file), 'utf8').trim();
}

function write(group: string, file: string, text: string): void {
  writeFileSync(path.join(group, file), text);
}

/** Whether it is gone: a group with processes is not removed. */
function remove(group: string): boolean {
  try {
    for (const folder of [path.join(group, INNER), group]) if (existsSync(folder)) rmdirSync(folder);
    return true;
  } catch (error) {
    return errorCode(error) === 'ENOENT';
  }
}
