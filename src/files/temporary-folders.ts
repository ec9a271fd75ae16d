import { lstat, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isProcessAlive, processStart } from '../processes/index.js';

const PREFIX = 'openhands-';
/** `openhands-KIND-NAMESPACE-PID-START-RANDOM`; zeros where a system does not tell. */
const NAME = /^openhands-[a-z]+-(\d+)-(\d+)-(\d+)-\w+$/;
/** Names of older versions, which say nothing of their process. */
const OLDER_NAME = /^(openhands-(git|patch)|acp-discovery|agent-browser-\d+)-\w{6}$/;
/** How long (ms) a folder whose process cannot be looked at has to lie untouched. */
const UNTOUCHED_MS = 24 * 60 * 60_000;

/** What temporary folders are made for. */
export type TemporaryKind = 'git' | 'patch' | 'fetch' | 'editor' | 'discovery' | 'browser' | 'credential';

/**
 * Makes an empty folder, in the system's folder for temporary files unless told. Whoever makes it removes it;
 * what a server that was killed has left is removed by `sweepTemporaryFolders`, which is why the name says
 * whose it is.
 * @returns its absolute path
 */
export async function makeTemporaryFolder(kind: TemporaryKind, root = os.tmpdir()): Promise<string> {
  const owner = [await namespace(), process.pid, (await processStart(process.pid)) ?? 0].join('-');
  return mkdtemp(path.join(root, `${PREFIX}${kind}-${owner}-`));
}

/**
 * Removes temporary folders of servers that are gone. Those of a server that runs are left alone, also in
 * another container that shares the folder for temporary files: there it counts whether a folder was touched
 * within a day. Never fails: what cannot be removed (it may be another user's) stays.
 * @returns how many were removed
 */
export async function sweepTemporaryFolders(root = os.tmpdir()): Promise<number> {
  let removed = 0;
  for (const name of await readdir(root).catch(() => [])) {
    const folder = path.join(root, name);
    if (!(await isLeft(name, folder))) continue;
    const isGone = await rm(folder, { recursive: true, force: true, maxRetries: 2 }).then(
      () => true,
      () => false,
    );
    if (isGone) removed += 1;
  }
  return removed;
}

async function isLeft(name: string, folder: string): Promise<boolean> {
  const [, place, pid, start] = NAME.exec(name) ?? [];
  if (place === undefined && !OLDER_NAME.test(name)) return false;
  const stats = await lstat(folder).catch(() => undefined);
  if (!stats?.isDirectory() || stats.uid !== (process.getuid?.() ?? stats.uid)) return false;
  if (place === (await namespace())) return !(await isRunning(Number(pid), Number(start)));
  return Date.now() - stats.mtimeMs > UNTOUCHED_MS;
}

/** Process ids are used again: only together with its start does one name a process. */
async function isRunning(pid: number, start: number): Promise<boolean> {
  return start === 0 ? isProcessAlive(pid) : (await processStart(pid)) === start;
}

/** Where numbers of processes mean the same, as the kernel numbers it. */
async function namespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? '0';
}
