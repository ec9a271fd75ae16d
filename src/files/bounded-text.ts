import { realpath, type FileHandle } from 'node:fs/promises';
import { PathHandle } from './confined/path-handle.js';
import { isInside } from './is-inside.js';

/** Bytes of a file that are read by default. Such files are for models: no sensible one is longer. */
export const MAX_FILE_BYTES = 256 * 1024;

/** The text of a file, and whether it was truncated. */
interface BoundedText {
  text: string;
  cut: boolean;
}

/**
 * Reads a text file up to a limit.
 * @returns undefined for anything but a file with text
 * @throws system errors, such as ENOENT
 */
export async function readBoundedText(
  path: string,
  limit: number = MAX_FILE_BYTES,
): Promise<BoundedText | undefined> {
  return readProjectText(path, undefined, limit);
}

/**
 * Reads a text file of a project. Links that lead out of the project are refused, so that they cannot show
 * other files to the model.
 * @param root absolute path of the project; undefined: any file may be read
 * @throws system errors, RangeError for such a link
 */
export async function readProjectText(
  path: string,
  root: string | undefined,
  limit: number = MAX_FILE_BYTES,
): Promise<BoundedText | undefined> {
  const home = root === undefined ? undefined : await realpath(root);
  const found = await PathHandle.open(path);
  try {
    if (home !== undefined && !isInside(home, found.real))
      throw new RangeError('it leads out of the project');
    if (!found.stats.isFile()) return undefined;
    const file = await found.openFile();
    try {
      return decode(await readUpTo(file, limit + 1), limit);
    } finally {
      await file.close();
    }
  } finally {
    found.close();
  }
}

async function readUpTo(file: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(buffer, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function decode(bytes: Buffer, limit: number): BoundedText | undefined {
  if (bytes.includes(0)) return undefined;
  const cut = bytes.length > limit;
  const text = new TextDecoder('utf-8').decode(bytes.subarray(0, limit));
  // The limit may be inside a character.
  return { text: cut ? text.replace(/\uFFFD$/, '') : text, cut };
}

/** Characters of all texts that are read for one purpose: more than a model can read. */
const MAX_TEXTS = 4 * 1024 * 1024;
/** Characters that each text counts besides its length, for the memory of its object and name. */
const COST_OF_ONE = 64;

/** Bounds the total size of untrusted texts: each file is bounded, but there may be any number of them. */
export class TextRoom {
  private left = MAX_TEXTS;

  /**
   * Counts a text. After one that does not fit, none does.
   * @param length characters
   * @throws RangeError if it does not fit
   */
  take(length: number): void {
    this.left -= length + COST_OF_ONE;
    if (this.isFull) throw new RangeError(TextRoom.FULL);
  }

  get isFull(): boolean {
    return this.left < 0;
  }

  /** The log's words for files that are left out. */
  static readonly FULL = `left out with all that follows: more than ${MAX_TEXTS} characters in all`;
}
