import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, openPlainFile, PLAIN, undefinedIfMissing } from '../../../files/index.js';
import { FILE_MODE, FOLDER_MODE } from '../conversation-folder.js';

/** The beginning says when the file was created, so that names are in the order of time. */
const NAME = /^\d{4}-\d{2}-\d{2}T\d{6}\.\d{3}Z-[0-9a-f]{8}\.jsonl$/;
/** Read as well, to see how a file ends that another process has written. */
const APPEND = constants.O_RDWR | constants.O_APPEND;
const DAY_MS = 86_400_000;
/** A folder has about so many files when it is full. */
const FILES = 8;
const MIN_FILE_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const LINE_END = 10;

/** Limits of the files of one folder. */
export interface SegmentLimits {
  maxBytes: number;
  keepDays: number;
}

/** The file that is being written. */
export interface OpenSegment {
  readonly name: string;
  readonly handle: FileHandle;
  /** It ends within a line, which a crash or a full disk has cut. */
  isTorn: boolean;
}

/**
 * The files of an audit log: a new one each day, and when one has its size. Several servers may append to the
 * same file; each line is written by one call of the system.
 */
export class AuditSegments {
  constructor(
    readonly folder: string,
    private readonly limits: SegmentLimits,
  ) {}

  /** Their names, the newest first. */
  async names(): Promise<string[]> {
    const files = (await readdir(this.folder).catch(undefinedIfMissing)) ?? [];
    return files
      .filter((name) => NAME.test(name))
      .sort()
      .reverse();
  }

  pathOf(name: string): string {
    return path.join(this.folder, name);
  }

  /** Opens the newest file if it takes more lines, else a new one. */
  async open(): Promise<OpenSegment> {
    const [newest] = await this.names();
    if (newest !== undefined && this.isOfToday(newest)) {
      const found = await this.reopen(newest);
      if (found) return found;
    }
    await makeFolder(this.folder, FOLDER_MODE);
    const name = `${new Date().toISOString().replaceAll(':', '')}-${randomBytes(4).toString('hex')}.jsonl`;
    const isNew = constants.O_CREAT | constants.O_EXCL;
    const handle = await open(this.pathOf(name), APPEND | isNew | PLAIN, FILE_MODE);
    return { name, handle, isTorn: false };
  }

  /** Whether a file takes no more lines, or was removed. */
  isOver(name: string, { size, nlink }: { size: number; nlink: number }): boolean {
    return nlink === 0 || size >= this.fileBytes || !this.isOfToday(name);
  }

  /** Removes the oldest files until the others are within the limits. The newest stays, unless it is old. */
  async sweep(): Promise<void> {
    const oldest = Date.now() - this.limits.keepDays * DAY_MS;
    let bytes = 0;
    for (const [index, name] of (await this.names()).entries()) {
      const found = await stat(this.pathOf(name)).catch(undefinedIfMissing);
      if (!found) continue;
      bytes += found.size;
      const isTooMuch = index > 0 && bytes > this.limits.maxBytes;
      if (isTooMuch || found.mtimeMs < oldest) await rm(this.pathOf(name), { force: true });
    }
  }

  private get fileBytes(): number {
    return Math.min(MAX_FILE_BYTES, Math.max(MIN_FILE_BYTES, Math.floor(this.limits.maxBytes / FILES)));
  }

  private isOfToday(name: string): boolean {
    return name.slice(0, 10) === new Date().toISOString().slice(0, 10);
  }

  private async reopen(name: string): Promise<OpenSegment | undefined> {
    const handle = await openPlainFile(this.pathOf(name), APPEND).catch(undefinedIfMissing);
    if (!handle) return undefined;
    try {
      const stats = await handle.stat();
      if (!this.isOver(name, stats)) return { name, handle, isTorn: await isTorn(handle, stats.size) };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }
}

async function isTorn(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== LINE_END;
}
