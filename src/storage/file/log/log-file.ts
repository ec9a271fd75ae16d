import fs, { constants } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../errors/index.js';
import { assertPlainFile, PLAIN, syncFolder } from '../../../files/index.js';
import { meters } from '../../../meters/index.js';
import { FILE_MODE } from '../catalogue/conversation-folder.js';
import { ReadAhead } from './read-ahead.js';
import { isSettled, TICK_MS } from '../catalogue/settled-stamp.js';

/**
 * Linux writes and flushes in one call, as `fdatasync` would (open(2), O_DSYNC): that saves a way through the
 * threads of Node for each append. Elsewhere the flag means less than `datasync` of Node does, or is not
 * known.
 */
const FLUSHES_ITSELF = process.platform === 'linux' ? constants.O_DSYNC : 0;

/*
 * By descriptors: a `FileHandle` takes a kilobyte of each conversation that is open, and its ways to the disk
 * are longer.
 */
const close = promisify(fs.close);
const openAny = promisify(fs.open);
const read = promisify(fs.read);
const datasync = promisify(fs.fdatasync);
const stat = promisify(fs.fstat);

/** One for all logs: it bounds what is held. */
const ahead = new ReadAhead<LogFile>();

/** The bytes of one log. Opened when first used; knows nothing of events. */
export class LogFile {
  private current: Promise<SharedFile> | undefined;
  /** The file was created, and a power cut could still take its name. */
  private isNew = false;
  private isClosed = false;
  /** When it was last changed here (ms); `NaN` before. */
  private changed = { began: NaN, ended: NaN };

  constructor(readonly path: string) {}

  /** Bytes from `start` up to `end`. */
  async read(start: number, end: number): Promise<Buffer> {
    return (await ahead.take(this, start, end)) ?? this.readNow(start, end);
  }

  /** Begins to read bytes that will be asked for next, in just these bounds. */
  prepare(start: number, end: number): void {
    if (!this.isClosed) ahead.begin(this, start, end, () => this.readNow(start, end));
  }

  private async readNow(start: number, end: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(end - start);
    const length = await this.use((fd) => readFully(fd, bytes, start));
    if (length < bytes.length) throw new Error(`${this.path} is shorter than it was`);
    return bytes;
  }

  /** Runs `action` with the descriptor of the open file; the file stays open at least until it ends. */
  async use<T>(action: (fd: number) => Promise<T>): Promise<T> {
    if (this.isClosed) return this.useOnce(action);
    this.current ??= this.openWith(() => open(this.path, constants.O_RDONLY));
    return (await this.current).use(action);
  }

  /**
   * Who began to read before the file was closed may go on, but keeps nothing open: nobody would close it any
   * more.
   */
  private async useOnce<T>(action: (fd: number) => Promise<T>): Promise<T> {
    const fd = await open(this.path, constants.O_RDONLY);
    try {
      return await action(fd);
    } finally {
      await close(fd);
    }
  }

  /**
   * Opens the file for writing under its present name (another server may have put a new file there) and
   * creates it if there is none. Reads that are going on end on the file they began with.
   */
  async reopenForWriting(): Promise<void> {
    const before = this.current;
    this.isClosed = false;
    this.current = this.openWith(() => this.openOrCreate());
    try {
      await this.current;
    } finally {
      await this.retire(before);
    }
  }

  /** Writes these pieces one behind the other at this offset, and resolves when all are durable. */
  async write(pieces: readonly Buffer[], position: number): Promise<void> {
    const started = performance.now();
    await this.change(async (fd) => {
      for (let rest = pieces; rest.length > 0;) {
        const count = await write(fd, rest, position);
        rest = without(rest, count);
        position += count;
      }
      const flushes: Promise<void>[] = [];
      if (!FLUSHES_ITSELF) flushes.push(datasync(fd));
      if (this.isNew) flushes.push(syncFolder(path.dirname(this.path)));
      // The file stays open until all are done, whatever becomes of them.
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
   * Tells this file and what is in it from any other, once it is settled: whoever writes changes a time of
   * the file. `isOwn`: as far as its times tell, nobody has changed it since this server did.
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

  /** Closes the file when what is going on has ended. */
  async close(): Promise<void> {
    ahead.drop(this);
    const before = this.current;
    this.current = undefined;
    this.isClosed = true;
    await this.retire(before);
  }

  private async openOrCreate(): Promise<number> {
    try {
      return await open(this.path, constants.O_RDWR | FLUSHES_ITSELF);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
    this.isNew = true;
    return open(
      this.path,
      constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | FLUSHES_ITSELF,
      FILE_MODE,
    );
  }

  private openWith(opener: () => Promise<number>): Promise<SharedFile> {
    const opening = opener().then((fd) => new SharedFile(fd));
    // A failed attempt is not remembered: the next use tries again.
    opening.catch(() => {
      if (this.current === opening) this.current = undefined;
    });
    return opening;
  }

  private async retire(file: Promise<SharedFile> | undefined): Promise<void> {
    const opened = await file?.catch(() => undefined);
    await opened?.retire();
  }
}

/** Opens a file, and nothing else that may stand in its place. */
async function open(file: string, flags: number, mode?: number): Promise<number> {
  const fd = await openAny(file, flags | PLAIN, mode);
  try {
    assertPlainFile(fd, file);
    return fd;
  } catch (error) {
    await close(fd);
    throw error;
  }
}

/** Reads until the buffer is full or the file ends; answers the number of bytes. */
export async function readFully(fd: number, bytes: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await read(fd, bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** A call takes so many (`IOV_MAX` of Linux). */
const MOST_PIECES = 1024;

/** Writes what there is, or the beginning of it; answers how many bytes. */
function write(fd: number, pieces: readonly Buffer[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, count: number): void => {
      if (error) reject(error);
      else resolve(count);
    };
    const [only] = pieces;
    if (only && pieces.length === 1) fs.write(fd, only, 0, only.length, position, done);
    else fs.writev(fd, pieces.slice(0, MOST_PIECES), position, done);
  });
}

/** The pieces that are left when so many bytes have been written. */
function without(pieces: readonly Buffer[], count: number): Buffer[] {
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

/** A file that is closed when its last user is done with it. */
class SharedFile {
  private users = 1;

  constructor(private readonly fd: number) {}

  async use<T>(action: (fd: number) => Promise<T>): Promise<T> {
    this.users += 1;
    try {
      return await action(this.fd);
    } finally {
      await this.leave();
    }
  }

  /** Gives up the owner's share. */
  retire(): Promise<void> {
    return this.leave();
  }

  private async leave(): Promise<void> {
    this.users -= 1;
    if (this.users === 0) await close(this.fd);
  }
}
