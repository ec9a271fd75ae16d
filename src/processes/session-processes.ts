import { close, open, read } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../errors/index.js';
import { forEachBounded } from '../flow/index.js';

/** The variable that every process of a session inherits; its value is the session's id. */
export const SESSION_VARIABLE = 'OPENHANDS_TERMINAL_ID';

const ENVIRONMENT_ENTRY = `${SESSION_VARIABLE}=`;
/** How long a process may take to end by itself, and how often we look. */
const GRACE_MS = 500;
const LOOK_MS = 20;
/** After that many looks what is left cannot be killed (uninterruptible, or another user's). */
const MAX_LOOKS_AFTER_KILL = 100;

/**
 * So many are looked at together: there are thousands on some machines, and others want to read files, too.
 */
const PROCESSES_AT_ONCE = 4;
/** More than almost all environments have. */
const PROC_BYTES = 16 * 1024;

const openFile = promisify(open);
const readInto = promisify(read);
const closeFile = promisify(close);

interface ProcessInfo {
  pid: number;
  parent: number;
  /** Kernel session: the shell's process id for everything on its terminal. */
  session: number;
  /** Value of the session variable, if it has one that we may read. */
  terminalId?: string;
}

/**
 * Ends every process of a terminal session: what runs on its terminal (`shellPid` is its leader), what
 * carries its id in the environment (`nohup`, `setsid`, daemons), and all their children. First politely,
 * then with SIGKILL, until a look finds nothing.
 *
 * Needs /proc; without it (macOS) only the terminal's own hang-up reaches the children. Out of reach are
 * processes that left the session *and* cleared their environment *and* outlived their parent, and those of
 * another user.
 */
export async function endSessionProcesses(id: string, shellPids: readonly number[]): Promise<void> {
  let found = await findSessionProcesses(id, shellPids);
  for (const pid of found) {
    signal(pid, 'SIGHUP');
    signal(pid, 'SIGTERM');
    signal(pid, 'SIGCONT');
  }
  const deadline = performance.now() + GRACE_MS;
  while (found.length > 0 && performance.now() < deadline) {
    await delay(LOOK_MS);
    found = await findSessionProcesses(id, shellPids);
  }
  for (let looks = 0; found.length > 0 && looks < MAX_LOOKS_AFTER_KILL; looks += 1) {
    for (const pid of found) signal(pid, 'SIGKILL');
    await delay(LOOK_MS);
    found = await findSessionProcesses(id, shellPids);
  }
}

/** The ids of all sessions that have a living process which shows us its environment. */
export async function sessionIds(): Promise<Set<string>> {
  const all = await scanProcesses();
  return new Set(all.flatMap(({ terminalId }) => (terminalId === undefined ? [] : [terminalId])));
}

/** The living processes of a session. */
async function findSessionProcesses(id: string, shellPids: readonly number[]): Promise<number[]> {
  const all = await scanProcesses();
  const members = new Set<number>();
  for (const { pid, session, terminalId } of all) {
    // Process ids are used again: what carries another session's id is not ours.
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
 * The process group that a terminal's keys reach now (`tpgid` of the shell), or nothing when it cannot be
 * told.
 */
export async function foregroundGroup(shellPid: number): Promise<number | undefined> {
  const fields = await statFields(shellPid);
  const group = Number(fields?.[5]);
  return Number.isInteger(group) && group > 1 ? group : undefined;
}

/** Sends a signal to a process, or to a group when negative; one that is gone, or not ours, is left alone. */
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
 * Looks at all processes. Callers that come during a look share the next one, so that closing many costs few
 * looks.
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
  await forEachBounded(pids, PROCESSES_AT_ONCE, async (pid) => {
    const info = await describe(pid);
    if (info) found.push(info);
  });
  return found;
}

async function describe(pid: number): Promise<ProcessInfo | undefined> {
  const fields = await statFields(pid);
  // A zombie is dead; only its parent can remove it.
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  // Other users' processes do not show theirs; processes come and go while we look.
  const environment = await readProc(`/proc/${pid}/environ`).catch(() => '');
  const entry = environment.split('\0').find((line) => line.startsWith(ENVIRONMENT_ENTRY));
  const terminalId = entry?.slice(ENVIRONMENT_ENTRY.length);
  return { pid, parent: Number(fields[1]), session: Number(fields[3]), terminalId };
}

/** The fields of /proc/PID/stat from the state on (state, ppid, pgrp, session, tty, tpgid, ...; proc(5)). */
async function statFields(pid: number): Promise<string[] | undefined> {
  const stat = await readProc(`/proc/${pid}/stat`).catch(() => undefined);
  // The name before it may contain anything, parentheses included.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/**
 * A file of /proc, whose size nobody knows before. `readFile` would take twice as many trips to a thread for
 * it.
 */
async function readProc(file: string): Promise<string> {
  const fd = await openFile(file, 'r');
  try {
    let buffer = Buffer.allocUnsafe(PROC_BYTES);
    let filled = 0;
    for (;;) {
      const { bytesRead } = await readInto(fd, buffer, filled, buffer.length - filled, filled);
      filled += bytesRead;
      // What did not fill the room was the whole.
      if (filled < buffer.length) return buffer.toString('latin1', 0, filled);
      buffer = Buffer.concat([buffer], 2 * buffer.length);
    }
  } finally {
    await closeFile(fd);
  }
}
