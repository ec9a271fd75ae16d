import { constants, type Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { CredentialsFileError, FileMissingError } from '../paths/path-guard.js';
import { NoFolderError, type OpenedFile, type PathScope } from '../paths/path-scope.js';
import { SafeFolder } from '../paths/safe-folder.js';
import type { Excludes } from './excludes.js';

const MANIFEST = 'archive_manifest.json';
/** Bytes that are read at a time. */
const CHUNK = 256 * 1024;
/** Of a tar (bytes). */
const BLOCK = 512;
/** Nobody gets more rights by unpacking it. */
const MODE = constants.S_IRWXU | constants.S_IRWXG | constants.S_IRWXO;

/** What goes into an archive. */
export interface TarSource {
  /** Real path of the folder. */
  folder: string;
  excludes: Excludes;
  /** Checks each file once more when it is open. */
  scope: PathScope;
}

/**
 * A folder as the bytes of a tar, read as they are asked for, with a manifest at its end. Only folders and
 * plain files: links, devices and pipes are left out, as is what may hold git credentials. A file that
 * changes meanwhile has the length that it had when it was opened.
 */
export async function* tarArchive(source: TarSource): AsyncGenerator<Buffer, void> {
  const { Header, Pax } = await import('tar');
  const archive = new TarArchive(source, (member) => {
    const block = Buffer.alloc(BLOCK);
    const header = new Header(member);
    header.encode(block);
    // A name that is too long for it, or has other characters than ASCII, stands in a block of its own in
    // front.
    return header.needPax ? Buffer.concat([new Pax({ path: member.path }).encode(), block]) : block;
  });
  yield* archive.content();
}

/** What a header says of a member. */
interface Member {
  path: string;
  type: 'File' | 'Directory';
  size: number;
  mode: number;
  mtime: Date;
}

class TarArchive {
  private readonly name: string;
  private files = 0;
  private bytes = 0;
  private hasManifest = false;

  constructor(
    private readonly source: TarSource,
    private readonly encode: (member: Member) => Buffer,
  ) {
    this.name = path.basename(source.folder) || 'root';
  }

  async *content(): AsyncGenerator<Buffer, void> {
    yield* this.folder([]);
    if (!this.hasManifest) yield this.manifest();
    // Two empty blocks are its end.
    yield Buffer.alloc(2 * BLOCK);
  }

  /** A folder with what is in it; the stack holds as many names as the path is deep. */
  private async *folder(parts: readonly string[]): AsyncGenerator<Buffer, void> {
    const [found] = await this.list(path.join(this.source.folder, ...parts)).catch(gone);
    if (!found) return;
    const { stats, names } = found;
    const { mode, mtime } = stats;
    yield this.header(parts, { type: 'Directory', size: 0, mode, mtime });
    for (const name of names.sort()) yield* this.entry([...parts, name]);
  }

  /** Through its handle: a link in its place would tell names from outside. */
  private async list(path: string): Promise<[{ stats: Stats; names: string[] }]> {
    const folder = await SafeFolder.open(this.source.scope, path);
    try {
      return [await folder.list()];
    } finally {
      await folder.close();
    }
  }

  private async *entry(parts: readonly string[]): AsyncGenerator<Buffer, void> {
    const [stats] = await Promise.all([lstat(path.join(this.source.folder, ...parts))]).catch(gone);
    if (!stats || this.source.excludes.matches(parts, stats.isDirectory())) return;
    if (stats.isDirectory()) yield* this.folder(parts);
    else if (stats.isFile()) yield* this.file(parts);
  }

  private async *file(parts: readonly string[]): AsyncGenerator<Buffer, void> {
    const opened = await this.open(path.join(this.source.folder, ...parts));
    if (!opened) return;
    try {
      const { size, mode, mtime } = opened.stats;
      yield this.header(parts, { type: 'File', size, mode, mtime });
      yield* exactly(opened, size);
      yield padding(size);
      this.files += 1;
      this.bytes += size;
      this.hasManifest ||= parts.length === 1 && parts[0] === MANIFEST;
    } finally {
      await opened.handle.close();
    }
  }

  /** Undefined for what must not or cannot be read. */
  private async open(file: string): Promise<OpenedFile | undefined> {
    try {
      return await this.source.scope.openFile(file);
    } catch (error) {
      const isSecret = error instanceof CredentialsFileError || error instanceof FileMissingError;
      if (isSecret || ['EACCES', 'EPERM'].includes(errorCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  private manifest(): Buffer {
    const manifest = {
      excludes: this.source.excludes.patterns,
      file_count: this.files,
      format: 'tar.gz',
      source: this.name,
      total_bytes: this.bytes,
    };
    const text = Buffer.from(JSON.stringify(manifest, undefined, 2));
    const facts = { type: 'File', size: text.length, mode: 0o644, mtime: new Date() } as const;
    return Buffer.concat([this.header([MANIFEST], facts), text, padding(text.length)]);
  }

  private header(parts: readonly string[], facts: Omit<Member, 'path'>): Buffer {
    return this.encode({ ...facts, path: [this.name, ...parts].join('/'), mode: facts.mode & MODE });
  }
}

/** Exactly so many bytes: what a file has lost meanwhile are zeros, what it has won is left out. */
async function* exactly({ handle }: OpenedFile, size: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < size;) {
    const buffer = Buffer.alloc(Math.min(CHUNK, size - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    const piece = bytesRead > 0 ? buffer.subarray(0, bytesRead) : buffer;
    at += piece.length;
    yield piece;
  }
}

/** Each member ends with a block. */
function padding(size: number): Buffer {
  return Buffer.alloc(-size & (BLOCK - 1));
}

/** Nothing for what cannot be read: gone meanwhile, closed to this user, or deeper than a path can lead. */
function gone(error: unknown): [] {
  if (error instanceof NoFolderError) return [];
  if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return [];
  throw error;
}
