import { createHash, randomBytes } from 'node:crypto';
import { link, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError, errorCode } from '../errors/index.js';
import { SerialQueue } from '../flow/index.js';
import { isProcessAlive } from '../processes/index.js';

/**
 * Age (ms) after which a lock counts as left behind, on any host. Holders need milliseconds.
 */
const STALE_MS = 60_000;
/** How long to wait for the lock (ms). */
const WAIT_MS = 30_000;
const MAX_PAUSE_MS = 50;

/**
 * Tokens of the locks that this process holds. A lock with our process id and another token was left by an
 * earlier process with the same id.
 */
const held = new Set<string>();

/** The lock was held by others for too long. */
export class FolderBusyError extends DomainError {
  override readonly name = 'FolderBusyError';
  readonly kind = 'unavailable';
  constructor(folder: string) {
    super(`${folder} is being changed by another process; try again`);
  }
}

/** Throws if the lock was lost. Call it right before what the lock protects. */
export type StillHeld = () => Promise<void>;

/**
 * Serialises changes of a folder, within this process and between all processes that use the same lock. The
 * lock is a file that names its holder. A lock that a crash left is taken over: at once if its process is
 * known to have ended, after a minute otherwise. A holder that was suspended for that long notices before it
 * writes.
 */
export class FolderLock {
  private readonly file: string;
  private readonly turns = new SerialQueue();
  private isSwept = false;

  /** @param folder must exist when the lock is taken */
  constructor(
    private readonly folder: string,
    name = '.writer.lock',
    private readonly waitMs = WAIT_MS,
  ) {
    this.file = path.join(folder, name);
  }

  /**
   * Runs work while holding the lock.
   * @throws FolderBusyError, what the work throws
   */
  hold<T>(work: (stillHeld: StillHeld) => Promise<T>): Promise<T> {
    return this.turns.run(() => this.locked(work));
  }

  private async locked<T>(work: (stillHeld: StillHeld) => Promise<T>): Promise<T> {
    const token = randomBytes(12).toString('hex');
    held.add(token);
    try {
      await this.take(token);
      try {
        await this.sweep();
        return await work(async () => {
          if ((await read(this.file))?.token !== token) throw new FolderBusyError(this.folder);
        });
      } finally {
        if ((await read(this.file))?.token === token) await rm(this.file, { force: true });
      }
    } finally {
      held.delete(token);
    }
  }

  /** Removes, once, files of processes that ended while they waited for the lock. */
  private async sweep(): Promise<void> {
    if (this.isSwept) return;
    this.isSwept = true;
    for (const name of await readdir(this.folder)) {
      const left = path.join(this.folder, name);
      if (!left.startsWith(`${this.file}.`)) continue;
      if ((await isAbandoned(name)) || (await isStale(left))) await rm(left, { force: true });
    }
  }

  private async take(token: string): Promise<void> {
    // The name identifies the process: one that is killed here leaves an empty file.
    const here = await place();
    const own = `${this.file}.${placeMark(here)}-${process.pid}-${token}`;
    try {
      // On a full disk the file is created without content.
      await writeFile(own, JSON.stringify({ token, pid: process.pid, place: here }), { mode: 0o600 });
      const end = performance.now() + this.waitMs;
      for (let pause = 2; !(await linked(own, this.file)); pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
        await this.clearStale(own);
        if (performance.now() > end) throw new FolderBusyError(this.folder);
        await sleep(pause * (0.5 + Math.random()));
      }
    } finally {
      await rm(own, { force: true });
    }
  }

  /**
   * Removes a lock that was left behind, while holding a second lock: two processes could otherwise remove a
   * new one.
   */
  private async clearStale(own: string): Promise<void> {
    if (!(await isStale(this.file))) return;
    const clearing = `${this.file}.clearing`;
    if (!(await linked(own, clearing))) {
      if (await isStale(clearing)) await rm(clearing, { force: true });
      return;
    }
    try {
      if (await isStale(this.file)) await rm(this.file, { force: true });
    } finally {
      await rm(clearing, { force: true });
    }
  }
}

interface Holder {
  token: string;
  pid: number;
  place: string;
}

async function read(file: string): Promise<Holder | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false;
  return 'token' in value && 'pid' in value && 'place' in value && typeof value.pid === 'number';
}

/** A missing file is not stale; an unreadable one is once it is old. */
async function isStale(file: string): Promise<boolean> {
  const holder = await read(file);
  if (holder?.place === (await place())) {
    if (holder.pid === process.pid) return !held.has(holder.token);
    if (!isProcessAlive(holder.pid)) return true;
  }
  try {
    return Date.now() - (await stat(file)).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

/**
 * Whether a file of a waiting process was left by a process of this machine that has ended, by its name.
 */
async function isAbandoned(name: string): Promise<boolean> {
  const [, mark, pid, token = ''] = /\.([0-9a-f]{12})-(\d+)-([0-9a-f]+)$/.exec(name) ?? [];
  if (mark !== placeMark(await place())) return false;
  return Number(pid) === process.pid ? !held.has(token) : !isProcessAlive(Number(pid));
}

function placeMark(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** The scope of process ids: the host and, on Linux, the namespace. */
async function place(): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return `${os.hostname()} ${namespace}`;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
