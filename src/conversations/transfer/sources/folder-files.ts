import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { PLAIN } from '../../../files/index.js';
import { SourceFileError, type SourceEntry, type SourceFiles } from './source-files.js';

/** Codes for anything but a plain file. */
const NO_FILE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO', 'ENODEV']);

/** The folder of a conversation. Used by commands only: files are read synchronously. */
export class FolderFiles implements SourceFiles {
  readonly name: string;
  readonly label: string;

  constructor(readonly folder: string) {
    this.name = path.basename(folder);
    this.label = folder;
  }

  async list(folder: string): Promise<SourceEntry[]> {
    const entries = await readdir(path.join(this.folder, folder), { withFileTypes: true }).catch(
      (error: unknown) => {
        if (NO_FILE.has(errorCode(error) ?? '')) return [];
        throw new SourceFileError(errorMessage(error));
      },
    );
    return entries
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  read(file: string, maxBytes: number): Promise<Buffer | undefined> {
    try {
      return Promise.resolve(readPlain(path.join(this.folder, file), maxBytes));
    } catch (error) {
      if (NO_FILE.has(errorCode(error) ?? '')) return Promise.resolve(undefined);
      return Promise.reject(new SourceFileError(errorMessage(error)));
    }
  }
}

/**
 * Synchronous: a conversation has a file for each event, and four round trips to a thread take ten times as
 * long as the calls.
 */
function readPlain(file: string, maxBytes: number): Buffer | undefined {
  const fd = openSync(file, constants.O_RDONLY | PLAIN);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return undefined;
    if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes, more than ${maxBytes}`);
    const content = Buffer.allocUnsafe(stats.size);
    let length = 0;
    while (length < stats.size) {
      const read = readSync(fd, content, length, stats.size - length, length);
      if (read === 0) break;
      length += read;
    }
    return content.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}
