import { lstat, mkdtemp, readdir, readlink, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isProcessAlive, processStart } from '../processes/index.js';

const PREFIX = 'openhands-';
/** `openhands-KIND-NAMESPACE-PID-START-RANDOM`; 0 for what the system does not provide. */
const NAME = /^openhands-[a-z]+-(\d+)-(\d+)-(\d+)-\w+$/;
/** Names by older versions, without a process. */
const OLDER_NAME = /^(openhands-(git|patch)|acp-discovery|agent-browser-\d+)-\w{6}$/;
/** How long (ms) a folder must be unchanged to be removed if its process cannot be examined. */
const UNTOUCHED_MS = 24 * 60 * 60_000;

/** The purpose of a temporary folder. */
type TemporaryKind =
  | 'git'
  | 'patch'
  | 'fetch'
  | 'editor'
  | 'discovery'
  | 'browser'
  | 'credential'
  | 'proxy'
  | 'import'
  | 'export'
  | 'replay';

/**
 * Creates an empty folder, by default in the system's folder for temporary files. The caller removes it. Its
 * name identifies the process, so that `sweepTemporaryFolders` can remove what a killed server has left.
 * @returns its absolute path, without links
 */
export async function makeTemporaryFolder(kind: TemporaryKind, root = os.tmpdir()): Promise<string> {
  const owner = [await namespace(), process.pid, (await processStart(process.pid)) ?? 0].join('-');
  return mkdtemp(path.join(await realpath(root), `${PREFIX}${kind}-${owner}-`));
}

/**
 * Removes temporary folders of servers that have ended. Folders of processes in another namespace (a
 * container that shares the folder) are removed after a day without changes. Never rejects: what cannot be
 * removed, such as folders of another user, stays.
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

/** Process ids are reused: only an id and a start time identify a process. */
async function isRunning(pid: number, start: number): Promise<boolean> {
  return start === 0 ? isProcessAlive(pid) : (await processStart(pid)) === start;
}

/** The kernel's number of our process namespace. */
async function namespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return /\d+/.exec(link)?.[0] ?? '0';
}
