import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { errorMessage } from '../../../errors/index.js';
import { SourceFileError, type SourceEntry, type SourceFiles } from './source-files.js';

/** Bounds of an archive. */
export interface ZipBounds {
  entries: number;
  /** Of all files together, unpacked. */
  bytes: number;
  /** Of one document or event (`*.json`), unpacked: parsing it takes a turn that others wait for. */
  documentBytes: number;
}

/** The longest name of an entry (characters), and its most levels. Names of trajectories are far below. */
const MAX_NAME = 512;
const MAX_LEVELS = 16;

/** For archives that an operator names. */
export const ZIP_BOUNDS: ZipBounds = { entries: 2_000_000, bytes: 64 * 1024 ** 3, documentBytes: Infinity };

/** A file is no usable archive; the message says why. */
export class ZipError extends Error {
  override readonly name = 'ZipError';
}

/**
 * A zip whose directory was read. Nothing is unpacked to disk: names are only looked up, so none leads
 * anywhere. An entry that is larger than the directory says ends its read.
 */
export class ZipArchive {
  private constructor(
    private readonly zip: ZipFile,
    readonly entries: ReadonlyMap<string, Entry>,
    private readonly bounds: ZipBounds,
  ) {}

  /** @throws ZipError for anything but a zip within the bounds */
  static async open(file: string, bounds: ZipBounds): Promise<ZipArchive> {
    // Loaded with the first archive.
    const { default: yauzl } = await import('yauzl');
    const zip = await new Promise<ZipFile>((resolve, reject) => {
      yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, opened) => {
        if (error) reject(new ZipError(`it is no zip: ${errorMessage(error)}`));
        else resolve(opened);
      });
    });
    try {
      return new ZipArchive(zip, await readDirectory(zip, bounds), bounds);
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  /** The content of an entry. @throws SourceFileError */
  async read(entry: Entry, maxBytes: number): Promise<Buffer> {
    const limit = entry.fileName.endsWith('.json') ? Math.min(maxBytes, this.bounds.documentBytes) : maxBytes;
    if (entry.uncompressedSize > limit)
      throw new SourceFileError(`it has ${entry.uncompressedSize} bytes, more than ${limit}`);
    try {
      const stream = await new Promise<Readable>((resolve, reject) => {
        this.zip.openReadStream(entry, (error, opened) => {
          if (error) reject(error);
          else resolve(opened);
        });
      });
      const chunks: Buffer[] = [];
      for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
      const content = Buffer.concat(chunks);
      // yauzl leaves the check to its callers.
      if (crc32(content) !== entry.crc32) throw new Error('its checksum is wrong');
      return content;
    } catch (error) {
      throw new SourceFileError(`it cannot be unpacked: ${errorMessage(error)}`);
    }
  }

  close(): void {
    this.zip.close();
  }
}

function readDirectory(zip: ZipFile, bounds: ZipBounds): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new ZipError(reason));
    if (zip.entryCount > bounds.entries) return fail(`it has more than ${bounds.entries} entries`);
    zip.on('error', (error: unknown) => fail(`it is damaged: ${errorMessage(error)}`));
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: Entry) => {
      bytes += entry.uncompressedSize;
      if (bytes > bounds.bytes) return fail(`it has more than ${bounds.bytes} bytes when unpacked`);
      // The folders of a name are looked up one by one.
      const { length } = entry.fileName;
      if (length > MAX_NAME) return fail(`it has a name of ${length} characters, more than ${MAX_NAME}`);
      if (entry.fileName.split('/').length > MAX_LEVELS)
        return fail(`it has a name of more than ${MAX_LEVELS} levels`);
      if (entries.has(entry.fileName)) return fail(`it has two entries ${entry.fileName}`);
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
}

/** The conversation below one folder of an archive. */
export class ZipFiles implements SourceFiles {
  readonly name: string;
  readonly label: string;
  /** Names by folder, and whether they are folders; made by the first list. */
  private folders: Map<string, Map<string, boolean>> | undefined;

  /**
   * @param root the folder with a slash at the end; empty for the top of the archive
   * @param paths of the entries below it
   */
  constructor(
    private readonly archive: ZipArchive,
    archiveName: string,
    private readonly root: string,
    private readonly paths: readonly string[],
  ) {
    this.name = root.split('/').at(-2) ?? '';
    this.label = root === '' ? archiveName : `${archiveName} (${root})`;
  }

  list(folder: string): Promise<SourceEntry[]> {
    this.folders ??= foldersOf(this.paths.map((name) => name.slice(this.root.length)));
    const names = [...(this.folders.get(folder) ?? [])];
    const entries = names.map(([name, isFolder]) => ({ name, isFolder }));
    return Promise.resolve(entries.sort((a, b) => (a.name < b.name ? -1 : 1)));
  }

  async read(file: string, maxBytes: number): Promise<Buffer | undefined> {
    const entry = this.archive.entries.get(`${this.root}${file}`);
    return entry && this.archive.read(entry, maxBytes);
  }
}

/** Not every archive has entries for its folders. */
function foldersOf(paths: readonly string[]): Map<string, Map<string, boolean>> {
  const folders = new Map<string, Map<string, boolean>>();
  for (const name of paths) {
    for (let start = 0; start < name.length;) {
      const slash = name.indexOf('/', start);
      const part = name.slice(start, slash === -1 ? undefined : slash);
      if (part === '') break;
      const folder = name.slice(0, Math.max(0, start - 1));
      const names = folders.get(folder) ?? new Map<string, boolean>();
      names.set(part, slash !== -1 || (names.get(part) ?? false));
      folders.set(folder, names);
      start = slash === -1 ? name.length : slash + 1;
    }
  }
  return folders;
}
