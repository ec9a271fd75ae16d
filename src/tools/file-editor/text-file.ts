import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { replaceFile } from '../../files/index.js';

/** How the text of a file is stored. `bom`: the mark that it starts with. */
export interface TextEncoding {
  name: 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1';
  bom: boolean;
}

/** The bytes of a text file and what they say. */
export interface TextFile {
  bytes: Buffer;
  /** Line ends as they are in the file. */
  raw: string;
  encoding: TextEncoding;
}

/** The file is none that can be shown or edited; the message names it and says why. */
export class FileRefusedError extends Error {
  override readonly name = 'FileRefusedError';
  constructor(file: string, reason: string) {
    super(`File validation failed for ${file}: ${reason}`);
  }
}

const MEGABYTE = 1024 * 1024;
/** Larger files are refused. */
const MAX_BYTES = 10 * MEGABYTE;
/** How much of a file tells whether it is text. */
const SAMPLE_BYTES = 8192;
/** Files that are not UTF-8 are binary when more of their bytes than this are control characters. */
const MAX_CONTROL_SHARE = 0.1;

/**
 * Reads a file of at most 10 MB. What is no file (a pipe, a device) is refused before it is read: reading it
 * may never end.
 * @throws FileRefusedError when it is larger or no file; else the error of the file system
 */
export async function readBounded(file: string): Promise<Buffer> {
  // Without O_NONBLOCK a pipe that nobody writes to is not even opened.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile() && !stats.isDirectory()) {
      throw new FileRefusedError(file, 'It is not a regular file and cannot be read or edited by this tool.');
    }
    if (stats.size > MAX_BYTES) {
      const megabytes = (stats.size / MEGABYTE).toFixed(1);
      throw new FileRefusedError(file, `File is too large (${megabytes}MB). Maximum allowed size is 10MB.`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/**
 * Reads a text file of at most 10 MB: UTF-8, UTF-16 with its mark, or else Latin-1, in which every byte
 * survives. Guessing among the other eight-bit encodings would change the bytes of files that were guessed
 * wrong.
 * @throws FileRefusedError when it is larger or binary; else the error of the file system
 */
export async function readTextFile(file: string): Promise<TextFile> {
  const bytes = await readBounded(file);
  const decoded = decodeText(bytes);
  if (!decoded) {
    throw new FileRefusedError(
      file,
      'File appears to be binary and this file type cannot be read or edited by this tool.',
    );
  }
  return { bytes, ...decoded };
}

/**
 * Replaces the text of a file in the encoding it had. Characters that Latin-1 lacks turn the file into UTF-8.
 * @throws the error of the file system
 */
export async function writeTextFile(file: string, raw: string, encoding: TextEncoding): Promise<void> {
  await replaceFile(file, encodeText(raw, encoding));
}

/** The text of the bytes and how it is encoded; undefined when they are not text. */
export function decodeText(bytes: Buffer): Omit<TextFile, 'bytes'> | undefined {
  const marked = markedEncoding(bytes);
  if (marked) {
    const raw = decodeStrictly(marked.name, bytes.subarray(marked.name === 'utf-8' ? 3 : 2));
    return raw === undefined ? undefined : { raw, encoding: marked };
  }
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  if (sample.includes(0)) return undefined;
  const raw = decodeStrictly('utf-8', bytes);
  if (raw !== undefined && !isMostlyControl(sample)) return { raw, encoding: { name: 'utf-8', bom: false } };
  if (isMostlyControl(sample)) return undefined;
  return { raw: bytes.toString('latin1'), encoding: { name: 'latin1', bom: false } };
}

/** The bytes of a text; the reverse of `decodeText`. */
export function encodeText(raw: string, encoding: TextEncoding): Buffer {
  switch (encoding.name) {
    case 'utf-16le':
      return Buffer.from(`\ufeff${raw}`, 'utf16le');
    case 'utf-16be':
      return Buffer.from(`\ufeff${raw}`, 'utf16le').swap16();
    case 'latin1':
      return Buffer.from(raw, /^[\0-\xff]*$/.test(raw) ? 'latin1' : 'utf8');
    case 'utf-8':
      return Buffer.from(encoding.bom ? `\ufeff${raw}` : raw, 'utf8');
  }
}

function markedEncoding(bytes: Buffer): TextEncoding | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { name: 'utf-8', bom: true };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { name: 'utf-16le', bom: true };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { name: 'utf-16be', bom: true };
  return undefined;
}

function decodeStrictly(
  name: 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1',
  bytes: Buffer,
): string | undefined {
  try {
    return new TextDecoder(name, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The only failure of a strict decoder is that the bytes are not in its encoding.
    return undefined;
  }
}

/** Control characters other than those of ordinary and coloured text: BEL to CR, and ESC. */
function isMostlyControl(sample: Buffer): boolean {
  const controls = sample.filter(
    (byte) => byte < 7 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127,
  );
  return controls.length > sample.length * MAX_CONTROL_SHARE;
}
