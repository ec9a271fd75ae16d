import { close, open, read } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../errors/index.js';
import { forEachBounded } from '../flow/index.js';
import { isLauncher } from './sandboxed.js';

/** The variable that every process of a session inherits; its value is the session's id. */
export const SESSION_VARIABLE = 'OPENHANDS_TERMINAL_ID';

const ENVIRONMENT_ENTRY = `${SESSION_VARIABLE}=`;
/** How long processes may take to end after SIGTERM, and how often that is checked (ms). */
const GRACE_MS = 500;
const CHECK_MS = 20;
/** Checks after SIGKILL; what is left then cannot be killed (uninterruptible, or another user's). */
const MAX_CHECKS_AFTER_KILL = 100;

/**
 * Processes that are read at the same time: some machines have thousands, and other work needs the threads.
 */
const CONCURRENT_READS = 4;
/** Initial buffer: larger than almost all environments (bytes). */
const PROC_BYTES = 16 * 1024;

const openFile = promisify(open);
const readInto = promisify(read);
const closeFile = promisify(close);

interface ProcessInfo {
  pid: number;
  parent: number;
  /** Kernel session: the shell's process id for everything on its terminal. */
  session: number;
  /** Value of the session variable, if set and readable. */
  terminalId?: string;
}

/**
 * Ends every process of a terminal session: processes on its terminal (led by one of `shellPids`), processes
 * with its id in the environment (`nohup`, `setsid`, daemons), and all their children. Sends SIGTERM first,
 * then SIGKILL until none is found.
 *
 * Needs /proc; without it (macOS) only the hang-up of the terminal reaches the children. Not found are
 * processes that left the session, cleared their environment and outlived their parent, and those of another
 * user.
 */
export async function endSessionProcesses(id: string, shellPids: readonly number[]): Promise<void> {
  let found = await findSessionProcesses(id, shellPids);
  // The end of bubblewrap kills what it runs, which shall have time to end by itself.
  for (const pid of found.filter((member) => !isLauncher(member))) {
    signal(pid, 'SIGHUP');
    signal(pid, 'SIGTERM');
    signal(pid, 'SIGCONT');
  }
  const deadline = performance.now() + GRACE_MS;
  while (found.length > 0 && performance.now() < deadline) {
    await delay(CHECK_MS);
    found = await findSessionProcesses(id, shellPids);
  }
  for (let checks = 0; found.length > 0 && checks < MAX_CHECKS_AFTER_KILL; checks += 1) {
    for (const pid of found) signal(pid, 'SIGKILL');
    await delay(CHECK_MS);
    found = await findSessionProcesses(id, shellPids);
  }
}

/** The ids of all sessions with a running process whose environment is readable. */
export async function sessionIds(): Promise<Set<string>> {
  const all = await scanProcesses();
  return new Set(all.flatMap(({ terminalId }) => (terminalId === undefined ? [] : [terminalId])));
}

/** The running processes of a session. */
async function findSessionProcesses(id: string, shellPids: readonly number[]): Promise<number[]> {
  const all = await scanProcesses();
  const members = new Set<number>();
  for (const { pid, session, terminalId } of all) {
    // Process ids are reused: a process with another session's id is not ours.
    const onTerminal = shellPids.includes(session) && terminalId === undefined;
    if (terminalId === id || onTerminal) members.add(pid);
  }
  for (let grown = members.size > 0; grown;) {
    const before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
    grown = members.size > before;
  }
  members.delete(process.pid);
  return [...members];
}

/**
 * The foreground process group of a terminal (`tpgid` of the shell). Undefined if unknown.
 */
export async function foregroundGroup(shellPid: number): Promise<number | undefined> {
  const fields = await statFields(shellPid);
  const group = Number(fields?.[5]);
  return Number.isInteger(group) && group > 1 ? group : undefined;
}

/** Sends a signal to a process, or to a group if negative. Does nothing if it has ended or is not ours. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

let current: Promise<ProcessInfo[]> | undefined;
let upcoming: Promise<ProcessInfo[]> | undefined;

/**
 * Lists all processes. Calls during a scan share the next one, so that closing many sessions takes few scans.
 */
function scanProcesses(): Promise<ProcessInfo[]> {
  if (!current) {
    current = scanOnce().finally(() => {
      current = undefined;
    });
    return current;
  }
  upcoming ??= current.then(() => {
    upcoming = undefined;
    return scanProcesses();
  });
  return upcoming;
}

async function scanOnce(): Promise<ProcessInfo[]> {
  const names = await readdir('/proc').catch(() => []);
  const found: ProcessInfo[] = [];
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  await forEachBounded(pids, CONCURRENT_READS, async (pid) => {
    const info = await describe(pid);
    if (info) found.push(info);
  });
  return found;
}

async function describe(pid: number): Promise<ProcessInfo | undefined> {
  const fields = await statFields(pid);
  // Zombies have ended; only their parent can remove them.
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  // Environments of other users' processes are not readable; processes may end meanwhile.
  const environment = await readProc(`/proc/${pid}/environ`).catch(() => '');
  const entry = environment.split('\0').find((line) => line.startsWith(ENVIRONMENT_ENTRY));
  const terminalId = entry?.slice(ENVIRONMENT_ENTRY.length);
  return { pid, parent: Number(fields[1]), session: Number(fields[3]), terminalId };
}

/** The fields of /proc/PID/stat from the state on (state, ppid, pgrp, session, tty, tpgid, ...; proc(5)). */
async function statFields(pid: number): Promise<string[] | undefined> {
  const stat = await readProc(`/proc/${pid}/stat`).catch(() => undefined);
  // The name before it may contain any character, including parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/**
 * Reads a file of /proc, whose size is unknown. `readFile` would take twice as many round trips to a thread.
 */
async function readProc(file: string): Promise<string> {
  const fd = await openFile(file, 'r');
  try {
    let buffer = Buffer.allocUnsafe(PROC_BYTES);
    let filled = 0;
    for (;;) {
      const { bytesRead } = await readInto(fd, buffer, filled, buffer.length - filled, filled);
      filled += bytesRead;
      // A read that does not fill the buffer was the last.
      if (filled < buffer.length) return buffer.toString('latin1', 0, filled);
      buffer = Buffer.concat([buffer], 2 * buffer.length);
    }
  } finally {
    await closeFile(fd);
  }
}
