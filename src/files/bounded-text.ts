import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';

/** Most of one file that is read (bytes). A skill is for a model to read: nothing sensible is longer. */
export const MAX_FILE_BYTES = 256 * 1024;

/** The text of a file, and whether the end of it was left out. */
export interface BoundedText {
  text: string;
  cut: boolean;
}

/**
 * Reads the beginning of a text file.
 * @returns undefined for what is no file or holds no text
 * @throws system errors: not there, not readable
 */
export async function readBoundedText(
  path: string,
  limit: number = MAX_FILE_BYTES,
): Promise<BoundedText | undefined> {
  // Without O_NONBLOCK the open of a pipe would wait for its writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) return undefined;
    return decode(await readUpTo(file, limit + 1), limit);
  } finally {
    await file.close();
  }
}

/**
 * Reads a file of a project: a link that leads out of it would show the model what nobody meant to.
 * @param root absolute path of the project; undefined: anything may be read
 * @throws system errors, RangeError for such a link
 */
export async function readProjectText(
  path: string,
  root: string | undefined,
  limit?: number,
): Promise<BoundedText | undefined> {
  if (root !== undefined) {
    const [real, home] = await Promise.all([realpath(path), realpath(root)]);
    if (!real.startsWith(home.endsWith(sep) ? home : home + sep))
      throw new RangeError('it leads out of the project');
  }
  return readBoundedText(path, limit);
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
  // A cut may go through a character.
  return { text: cut ? text.replace(/\uFFFD$/, '') : text, cut };
}

/** Characters of all texts that are read for one purpose: more than a model can be told. */
const MAX_TEXTS = 4 * 1024 * 1024;
/** What each of them costs besides its length: objects take memory, too, and so does what names them. */
const COST_OF_ONE = 64;

/** Room for texts that nobody vouches for: each file is bounded, but there may be any number of them. */
export class TextRoom {
  private left = MAX_TEXTS;

  /**
   * Takes room for a text. Once one does not fit in, nothing does.
   * @param length characters
   * @throws RangeError where it does not fit in
   */
  take(length: number): void {
    this.left -= length + COST_OF_ONE;
    if (this.isFull) throw new RangeError(TextRoom.FULL);
  }

  get isFull(): boolean {
    return this.left < 0;
  }

  /** What the log says of files that are left out. */
  static readonly FULL = `left out with all that follows: more than ${MAX_TEXTS} characters in all`;
}
