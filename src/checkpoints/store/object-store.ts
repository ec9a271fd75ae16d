import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { isDiskFull } from '../../errors/index.js';
import {
  makeFolder,
  readPlainBytes,
  syncFolder,
  undefinedIfMissing,
  syncPlainFile,
} from '../../files/index.js';
import { forEachBounded } from '../../flow/index.js';

/** The contents in the folder of the checkpoints. */
export const OBJECTS_FOLDER = 'objects';

const inflate = promisify(zlib.inflateRaw);
const deflate = promisify(zlib.deflateRaw);

/** Contents of files are readable by their owner only: they may hold secrets. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const NAME = /^[0-9a-f]{64}$/;
/** File systems give whole blocks to files (bytes). */
const BLOCK = 4096;
/** Compressing this takes less time than a round trip to a thread (bytes). */
const SMALL = 32 * 1024;
const FAST = { level: 1 };
const FLUSHES_AT_ONCE = 8;
/** The first byte of an object: how the rest is stored. */
const PLAIN = 0;
const DEFLATED = 1;

/** The hash that names a content. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Contents of files by their SHA-256, compressed, each once, in a folder. An object appears with its whole
 * content. It survives a crash of the server at once, and a power failure when the system has written it, or
 * it was flushed; what is damaged then is recognised by its hash, and counts as missing.
 */
export class ObjectStore {
  /** Bytes on disk by hash. */
  private readonly sizes = new Map<string, number>();
  private total = 0;
  /** Written and perhaps not on the disk. */
  private readonly unflushed = new Set<string>();

  private constructor(
    private readonly folder: string,
    readonly maxBytes: number,
    private exists: boolean,
  ) {}

  /** Opens the objects of a folder that need not exist. What was half written is removed. */
  static async open(folder: string, maxBytes: number): Promise<ObjectStore> {
    const names = await readdir(folder).catch(undefinedIfMissing);
    const store = new ObjectStore(folder, maxBytes, names !== undefined);
    for (const name of names ?? []) {
      const file = path.join(folder, name);
      if (!NAME.test(name)) await rm(file, { force: true });
      else store.count(name, (await stat(file).catch(undefinedIfMissing))?.size ?? 0);
    }
    return store;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.total;
  }

  get hashes(): IterableIterator<string> {
    return this.sizes.keys();
  }

  has(hash: string | null): boolean {
    return hash !== null && this.sizes.has(hash);
  }

  /** Keeps a content. @returns false if there is no room for it, here or on the disk */
  async put(hash: string, bytes: Uint8Array): Promise<boolean> {
    if (this.sizes.has(hash)) return true;
    const packed = bytes.length <= SMALL ? zlib.deflateRawSync(bytes, FAST) : await deflate(bytes, FAST);
    const isSmaller = packed.length < bytes.length;
    const object = Buffer.concat([Buffer.of(isSmaller ? DEFLATED : PLAIN), isSmaller ? packed : bytes]);
    if (this.total + onDisk(object.length) > this.maxBytes) return false;
    if (!this.exists) await makeFolder(this.folder, FOLDER_MODE);
    this.exists = true;
    // Synchronous: round trips to threads cost more than the calls, and the tool waits.
    const temporary = path.join(this.folder, `.${randomBytes(6).toString('hex')}.tmp`);
    try {
      fs.writeFileSync(temporary, object, { mode: FILE_MODE, flag: 'wx' });
      fs.renameSync(temporary, path.join(this.folder, hash));
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      if (isDiskFull(error)) return false;
      throw error;
    }
    this.count(hash, object.length);
    this.unflushed.add(hash);
    return true;
  }

  /** Resolves when contents survive a power failure. */
  async flush(hashes: Iterable<string>): Promise<void> {
    const due = [...hashes].filter((hash) => this.unflushed.has(hash));
    if (due.length === 0) return;
    await forEachBounded(due, FLUSHES_AT_ONCE, (hash) => syncPlainFile(path.join(this.folder, hash)));
    await syncFolder(this.folder);
    for (const hash of due) this.unflushed.delete(hash);
  }

  /** @returns undefined if the content is not kept, or is damaged */
  async read(hash: string): Promise<Buffer | undefined> {
    if (!this.sizes.has(hash)) return undefined;
    const object = await readPlainBytes(path.join(this.folder, hash)).catch(undefinedIfMissing);
    const bytes = object && (await unpacked(object));
    return bytes && hashOf(bytes) === hash ? bytes : undefined;
  }

  async remove(hash: string): Promise<void> {
    this.total -= this.sizes.get(hash) ?? 0;
    this.sizes.delete(hash);
    this.unflushed.delete(hash);
    await rm(path.join(this.folder, hash), { force: true });
  }

  private count(hash: string, bytes: number): void {
    this.sizes.set(hash, onDisk(bytes));
    this.total += onDisk(bytes);
  }
}

function onDisk(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

async function unpacked(object: Buffer): Promise<Buffer | undefined> {
  const body = object.subarray(1);
  if (object[0] === PLAIN) return body;
  return inflate(body).catch(() => undefined);
}
