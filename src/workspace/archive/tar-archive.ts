import { constants, type Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import type { Pack } from 'tar-stream';
import { errorCode } from '../../errors/index.js';
import { CredentialsFileError, FileMissingError } from '../path-guard.js';
import { NoFolderError, type OpenedFile, type PathScope } from '../path-scope.js';
import { SafeFolder } from '../safe-folder.js';
import type { Excludes } from './excludes.js';

const MANIFEST = 'archive_manifest.json';
/** Bytes that are read at a time. */
const CHUNK = 256 * 1024;
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
 * Writes a folder as tar.gz while it is read, with a manifest at its end. Only folders and plain files: links, devices
 * and pipes are left out, as is what may hold git credentials. A file that changes meanwhile has the length that it had
 * when it was opened.
 */
export async function writeTarGz(source: TarSource, out: Writable): Promise<void> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  const written = new TarWriter(tar, source).write().catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error('the archive failed'));
  });
  await pipeline(tar, createGzip(), out);
  await written;
}

class TarWriter {
  private readonly name: string;
  private files = 0;
  private bytes = 0;
  private hasManifest = false;

  constructor(
    private readonly tar: Pack,
    private readonly source: TarSource,
  ) {
    this.name = path.basename(source.folder) || 'root';
  }

  async write(): Promise<void> {
    await this.folder([]);
    if (!this.hasManifest) await this.manifest();
    this.tar.finalize();
  }

  /** A folder with what is in it; the stack holds as many names as the path is deep. */
  private async folder(parts: readonly string[]): Promise<void> {
    const [found] = await this.list(path.join(this.source.folder, ...parts)).catch(gone);
    if (!found) return;
    const { stats, names } = found;
    this.tar.entry({
      name: this.member(parts),
      type: 'directory',
      mode: stats.mode & MODE,
      mtime: stats.mtime,
    });
    for (const name of names.sort()) await this.entry([...parts, name]);
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

  private async entry(parts: readonly string[]): Promise<void> {
    const [stats] = await Promise.all([lstat(path.join(this.source.folder, ...parts))]).catch(gone);
    if (!stats || this.source.excludes.matches(parts, stats.isDirectory())) return;
    if (stats.isDirectory()) return this.folder(parts);
    if (stats.isFile()) await this.file(parts);
  }

  private async file(parts: readonly string[]): Promise<void> {
    const opened = await this.open(path.join(this.source.folder, ...parts));
    if (!opened) return;
    try {
      const { size, mode, mtime } = opened.stats;
      const entry = this.tar.entry({ name: this.member(parts), size, mode: mode & MODE, mtime });
      await copy(opened, size, entry);
      entry.end();
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

  private async manifest(): Promise<void> {
    const manifest = {
      excludes: this.source.excludes.patterns,
      file_count: this.files,
      format: 'tar.gz',
      source: this.name,
      total_bytes: this.bytes,
    };
    const text = JSON.stringify(manifest, undefined, 2);
    const entry = this.tar.entry({ name: this.member([MANIFEST]), mode: 0o644 }, text);
    await once(entry, 'finish');
  }

  private member(parts: readonly string[]): string {
    return [this.name, ...parts].join('/');
  }
}

/** Exactly so many bytes: what a file has lost meanwhile are zeros, what it has won is left out. */
async function copy({ handle }: OpenedFile, size: number, out: Writable): Promise<void> {
  for (let at = 0; at < size;) {
    const buffer = Buffer.alloc(Math.min(CHUNK, size - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    at += buffer.length;
    if (bytesRead < buffer.length && bytesRead > 0) at -= buffer.length - bytesRead;
    const piece = bytesRead > 0 ? buffer.subarray(0, bytesRead) : buffer;
    if (!out.write(piece)) await once(out, 'drain');
  }
}

/** Nothing for what cannot be read: gone meanwhile, closed to this user, or deeper than a path can lead. */
function gone(error: unknown): [] {
  if (error instanceof NoFolderError) return [];
  if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return [];
  throw error;
}
