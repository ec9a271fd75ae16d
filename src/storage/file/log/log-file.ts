import fs, { constants } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../errors/index.js';
import { assertPlainFile, PLAIN, syncFolder } from '../../../files/index.js';
import { meters } from '../../../meters/index.js';
import { FILE_MODE } from '../conversation-folder.js';
import { isSettled, TICK_MS } from '../settled-stamp.js';

/**
 * On Linux a write with O_DSYNC also flushes, as `fdatasync` does (open(2)): that saves one task of the
 * thread pool for each append. On other systems the flag guarantees less or does not exist.
 */
const SYNC_FLAG = process.platform === 'linux' ? constants.O_DSYNC : 0;

/*
 * Descriptors instead of `FileHandle`s: a handle takes a kilobyte of memory for each open conversation, and
 * its reads and writes are slower.
 */
const close = promisify(fs.close);
const openDescriptor = promisify(fs.open);
const read = promisify(fs.read);
const datasync = promisify(fs.fdatasync);
const stat = promisify(fs.fstat);

/** The file of one log. Opened at the first use; works with bytes, not events. */
export class LogFile {
  private current: Promise<SharedFile> | undefined;
  /** The file was created and its name is not durable yet. */
  private isNew = false;
  private isClosed = false;
  /** When this process last changed it (ms); `NaN` before the first change. */
  private changed = { began: NaN, ended: NaN };

  constructor(readonly path: string) {}

  /** Reads the bytes from `start` up to, not including, `end`. */
  async read(start: number, end: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(end - start);
    const length = await this.use((fd) => readFully(fd, bytes, start));
    if (length < bytes.length) throw new Error(`${this.path} is shorter than it was`);
    return bytes;
  }

  /** Runs `action` with the descriptor of the open file; the file stays open at least until it ends. */
  async use<T>(action: (fd: number) => Promise<T>): Promise<T> {
    if (this.isClosed) return this.useTemporarily(action);
    this.current ??= this.openWith(() => open(this.path, constants.O_RDONLY));
    return (await this.current).use(action);
  }

  /**
   * For reads that began before `close`: opens the file for one action, because nothing would close it later.
   */
  private async useTemporarily<T>(action: (fd: number) => Promise<T>): Promise<T> {
    const fd = await open(this.path, constants.O_RDONLY);
    try {
      return await action(fd);
    } finally {
      await close(fd);
    }
  }

  /**
   * Opens the file for writing by its path (another server may have replaced the file) and creates it if it
   * is missing. Reads in progress continue on the old file.
   */
  async reopenForWriting(): Promise<void> {
    const before = this.current;
    this.isClosed = false;
    this.current = this.openWith(() => this.openOrCreate());
    try {
      await this.current;
    } finally {
      await this.closeWhenUnused(before);
    }
  }

  /** Writes the pieces consecutively at an offset and resolves when all are durable. */
  async write(pieces: readonly Buffer[], position: number): Promise<void> {
    const started = performance.now();
    await this.change(async (fd) => {
      for (let rest = pieces; rest.length > 0;) {
        const count = await write(fd, rest, position);
        rest = remainingPieces(rest, count);
        position += count;
      }
      const flushes: Promise<void>[] = [];
      if (!SYNC_FLAG) flushes.push(datasync(fd));
      if (this.isNew) flushes.push(syncFolder(path.dirname(this.path)));
      // Waits for all before the file may be closed.
      for (const flush of await Promise.allSettled(flushes))
        if (flush.status === 'rejected') throw flush.reason;
    });
    this.isNew = false;
    meters.logWrites.observe((performance.now() - started) / 1000);
  }

  async truncate(length: number): Promise<void> {
    await this.change((fd) => truncate(fd, length));
  }

  private async change(action: (fd: number) => Promise<void>): Promise<void> {
    const began = Date.now();
    await this.use(action);
    this.changed = { began, ended: Date.now() };
  }

  async size(): Promise<number> {
    return this.use(async (fd) => (await stat(fd)).size);
  }

  /**
   * A stamp that identifies the file and its content once it is settled, because every write changes a time
   * of the file. `isOwn`: judging by its times, nobody else has changed it since this server did.
   */
  async stamp(): Promise<{ stamp: string; size: number; isSettled: boolean; isOwn: boolean }> {
    const now = Date.now();
    const { ino, size, mtimeNs, ctimeNs } = await this.use((fd) => stat(fd, { bigint: true }));
    const changed = Number(mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1e6;
    const { began, ended } = this.changed;
    return {
      stamp: [ino, size, mtimeNs, ctimeNs].join(),
      size: Number(size),
      isSettled: isSettled(changed, now),
      isOwn: changed >= began - TICK_MS && changed <= ended + TICK_MS,
    };
  }

  /** Closes the file when the operations in progress have ended. */
  async close(): Promise<void> {
    const before = this.current;
    this.current = undefined;
    this.isClosed = true;
    await this.closeWhenUnused(before);
  }

  private async openOrCreate(): Promise<number> {
    try {
      return await open(this.path, constants.O_RDWR | SYNC_FLAG);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
    this.isNew = true;
    return open(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SYNC_FLAG, FILE_MODE);
  }

  private openWith(opener: () => Promise<number>): Promise<SharedFile> {
    const opening = opener().then((fd) => new SharedFile(fd));
    // The next use tries again.
    opening.catch(() => {
      if (this.current === opening) this.current = undefined;
    });
    return opening;
  }

  private async closeWhenUnused(file: Promise<SharedFile> | undefined): Promise<void> {
    const opened = await file?.catch(() => undefined);
    await opened?.closeWhenUnused();
  }
}

/** Opens a plain file; rejects anything else. */
async function open(file: string, flags: number, mode?: number): Promise<number> {
  const fd = await openDescriptor(file, flags | PLAIN, mode);
  try {
    assertPlainFile(fd, file);
    return fd;
  } catch (error) {
    await close(fd);
    throw error;
  }
}

/** Reads until the buffer is full or the file ends; returns the number of bytes. */
export async function readFully(fd: number, bytes: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await read(fd, bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Maximum per call (`IOV_MAX` of Linux). */
const MAX_PIECES = 1024;

/** Writes the pieces or a part of them; returns the number of bytes written. */
function write(fd: number, pieces: readonly Buffer[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, count: number): void => {
      if (error) reject(error);
      else resolve(count);
    };
    const [only] = pieces;
    if (only && pieces.length === 1) fs.write(fd, only, 0, only.length, position, done);
    else fs.writev(fd, pieces.slice(0, MAX_PIECES), position, done);
  });
}

/** The pieces that remain when `count` bytes have been written. */
function remainingPieces(pieces: readonly Buffer[], count: number): Buffer[] {
  const left: Buffer[] = [];
  for (const piece of pieces) {
    if (piece.length > count) left.push(piece.subarray(count));
    count = Math.max(0, count - piece.length);
  }
  return left;
}

function truncate(fd: number, length: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.ftruncate(fd, length, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** An open file that is closed when its last user has finished. */
class SharedFile {
  private users = 1;

  constructor(private readonly fd: number) {}

  async use<T>(action: (fd: number) => Promise<T>): Promise<T> {
    this.users += 1;
    try {
      return await action(this.fd);
    } finally {
      await this.removeUser();
    }
  }

  /** Removes the owner as a user. */
  closeWhenUnused(): Promise<void> {
    return this.removeUser();
  }

  private async removeUser(): Promise<void> {
    this.users -= 1;
    if (this.users === 0) await close(this.fd);
  }
}
