import { constants, type Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { FileRefusal } from '../../files/index.js';
import { CredentialsFileError, FileMissingError, NoFolderError } from '../paths/path-errors.js';
import type { OpenedFile, PathScope } from '../paths/path-scope.js';
import { SafeFolder } from '../paths/safe-folder.js';
import type { Excludes } from './excludes.js';

const MANIFEST = 'archive_manifest.json';
/** Bytes per read. */
const CHUNK = 256 * 1024;
/** Block size of a tar (bytes). */
const BLOCK = 512;
/** Permission bits only: no setuid or setgid. */
const MODE = constants.S_IRWXU | constants.S_IRWXG | constants.S_IRWXO;

/** The source of an archive. */
interface TarSource {
  /** Real path of the folder. */
  folder: string;
  excludes: Excludes;
  /** Checks each file again when it is open. */
  scope: PathScope;
}

/**
 * Streams a folder as a tar with a manifest at its end. Contains only folders and plain files, no links,
 * devices, pipes or files that may contain git credentials. A file that changes meanwhile keeps the length
 * that it had when it was opened.
 */
export async function* tarArchive(source: TarSource): AsyncGenerator<Buffer, void> {
  const { Header, Pax } = await import('tar');
  const archive = new TarArchive(source, (member) => {
    const block = Buffer.alloc(BLOCK);
    const header = new Header(member);
    header.encode(block);
    // A long or non-ASCII name goes into an extended header before it.
    return header.needPax ? Buffer.concat([new Pax({ path: member.path }).encode(), block]) : block;
  });
  yield* archive.content();
}

/** The fields of a header. */
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
    // Two empty blocks mark the end.
    yield Buffer.alloc(2 * BLOCK);
  }

  /** A folder and its content, recursively. */
  private async *folder(parts: readonly string[]): AsyncGenerator<Buffer, void> {
    const [found] = await this.list(path.join(this.source.folder, ...parts)).catch(gone);
    if (!found) return;
    const { stats, names } = found;
    const { mode, mtime } = stats;
    yield this.header(parts, { type: 'Directory', size: 0, mode, mtime });
    for (const name of names.sort()) yield* this.entry([...parts, name]);
  }

  /** Lists a folder through its handle, because a link in its place would reveal names outside. */
  private async list(path: string): Promise<[{ stats: Stats; names: string[] }]> {
    const folder = await SafeFolder.open(this.source.scope, path);
    try {
      return [await folder.list()];
    } finally {
      folder.close();
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

  /** Undefined for files that must not or cannot be read. */
  private async open(file: string): Promise<OpenedFile | undefined> {
    try {
      return await this.source.scope.openFile(file);
    } catch (error) {
      const isLeftOut =
        error instanceof CredentialsFileError ||
        error instanceof FileMissingError ||
        error instanceof FileRefusal;
      if (isLeftOut || ['EACCES', 'EPERM'].includes(errorCode(error) ?? '')) return undefined;
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

/** Exactly `size` bytes: a truncated file is filled with zeros, a longer one is cut. */
async function* exactly({ handle }: OpenedFile, size: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < size;) {
    const buffer = Buffer.alloc(Math.min(CHUNK, size - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    const piece = bytesRead > 0 ? buffer.subarray(0, bytesRead) : buffer;
    at += piece.length;
    yield piece;
  }
}

/** Pads a member to a whole block. */
function padding(size: number): Buffer {
  return Buffer.alloc(-size & (BLOCK - 1));
}

/** Skips entries that were removed, are unreadable or refused by the sandbox, or have too long a path. */
function gone(error: unknown): [] {
  if (error instanceof NoFolderError || error instanceof FileRefusal) return [];
  if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return [];
  throw error;
}
