import { createHash, randomBytes } from 'node:crypto';
import { link, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError, errorCode } from '../errors/index.js';
import { SerialQueue } from '../flow/index.js';
import { isProcessAlive } from '../processes/index.js';

/**
 * What a holder does takes milliseconds: after this long (ms) it is taken for gone, on whatever host it was.
 */
const STALE_MS = 60_000;
const PATIENCE_MS = 30_000;
const LONGEST_PAUSE_MS = 50;

/**
 * Locks that this very process holds: a lock of ours that is not among them was left by a process with our
 * number.
 */
const held = new Set<string>();

/** Others kept a folder for themselves for too long. */
export class FolderBusyError extends DomainError {
  override readonly name = 'FolderBusyError';
  readonly kind = 'unavailable';
  constructor(folder: string) {
    super(`${folder} is being changed by another process; try again`);
  }
}

/** Refuses to go on once the lock was lost: to be asked right before what the lock protects. */
export type StillHeld = () => Promise<void>;

/**
 * Lets one at a time change a folder: one of this process, and one of all processes that ask in the same way.
 * The lock is a file that names its holder. One that a crash left is taken over: at once where it can be seen
 * that its process is gone, after a minute otherwise. A holder that was frozen that long finds out before it
 * writes.
 */
export class FolderLock {
  private readonly file: string;
  private readonly turns = new SerialQueue();
  private isSwept = false;

  /** @param folder has to exist when the lock is taken */
  constructor(
    private readonly folder: string,
    name = '.writer.lock',
    private readonly patienceMs = PATIENCE_MS,
  ) {
    this.file = path.join(folder, name);
  }

  /**
   * Does the work while nobody else holds the lock.
   * @throws FolderBusyError, and whatever the work throws
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

  /** Removes, once, what processes have left that ended while they asked for the lock. */
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
    // Its name tells whose it is: who is killed right here leaves it empty.
    const here = await place();
    const own = `${this.file}.${placeMark(here)}-${process.pid}-${token}`;
    try {
      // On a full disk a file comes to be all the same, without anything in it.
      await writeFile(own, JSON.stringify({ token, pid: process.pid, place: here }), { mode: 0o600 });
      const end = performance.now() + this.patienceMs;
      for (let pause = 2; !(await linked(own, this.file)); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        await this.clearStale(own);
        if (performance.now() > end) throw new FolderBusyError(this.folder);
        await sleep(pause * (0.5 + Math.random()));
      }
    } finally {
      await rm(own, { force: true });
    }
  }

  /**
   * Removes a lock that was left behind. Only who holds a second lock may: two could remove a fresh one
   * otherwise.
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

/** A file that is not there is not stale, and one that cannot be read is when it is old. */
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
 * Whether a file of somebody who asked for a lock was left by a process of this machine that is gone, by its
 * name.
 */
async function isAbandoned(name: string): Promise<boolean> {
  const [, mark, pid, token = ''] = /\.([0-9a-f]{12})-(\d+)-([0-9a-f]+)$/.exec(name) ?? [];
  if (mark !== placeMark(await place())) return false;
  return Number(pid) === process.pid ? !held.has(token) : !isProcessAlive(Number(pid));
}

function placeMark(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** Where numbers of processes mean the same: the host and, where there are such, the namespace. */
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
