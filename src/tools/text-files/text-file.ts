import { NotAFileError, type ConfinedFiles } from '../../files/index.js';

/** The encoding of a file. `bom`: whether it starts with a byte order mark. */
interface TextEncoding {
  name: 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1';
  bom: boolean;
}

/** A text file with its bytes and its decoded text. */
export interface TextFile {
  bytes: Buffer;
  /** The text with its original line ends. */
  raw: string;
  encoding: TextEncoding;
}

/** A file cannot be shown or edited. The message names it and the reason. */
export class FileRefusedError extends Error {
  override readonly name = 'FileRefusedError';
  constructor(file: string, reason: string) {
    super(`File validation failed for ${file}: ${reason}`);
  }
}

const MEGABYTE = 1024 * 1024;
/** Larger files are rejected. */
const MAX_BYTES = 10 * MEGABYTE;
/** How much of a file is inspected to tell whether it is text. */
const SAMPLE_BYTES = 8192;
/** A file is binary if a larger share of the inspected bytes are control characters. */
const MAX_CONTROL_SHARE = 0.1;

/**
 * Reads a file of at most 10 MB. Pipes and devices are rejected without reading them, because that might
 * never end.
 * @throws FileRefusedError if the file is larger or not a regular file; FileRefusal; else the error of the
 *   file system
 */
export async function readBounded(files: ConfinedFiles, file: string): Promise<Buffer> {
  const { handle, stats } = await files.open(file).catch((error: unknown) => {
    if (!(error instanceof NotAFileError)) throw error;
    throw new FileRefusedError(file, 'It is not a regular file and cannot be read or edited by this tool.');
  });
  try {
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
 * Reads a text file of at most 10 MB: UTF-8, UTF-16 with a byte order mark, or else Latin-1, which preserves
 * every byte. Guessing another 8-bit encoding could corrupt the file.
 * @throws FileRefusedError if the file is larger or binary; FileRefusal; else the error of the file system
 */
export async function readTextFile(files: ConfinedFiles, file: string): Promise<TextFile> {
  const bytes = await readBounded(files, file);
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
 * Replaces the text of a file in the given encoding, or UTF-8 if the text does not fit into Latin-1.
 * @throws FileRefusal, the error of the file system
 */
export async function writeTextFile(
  files: ConfinedFiles,
  file: string,
  raw: string,
  encoding: TextEncoding,
): Promise<void> {
  await files.replace(file, encodeText(raw, encoding));
}

/** Detects the encoding and decodes the text; undefined if the bytes are not text. */
export function decodeText(bytes: Buffer): Omit<TextFile, 'bytes'> | undefined {
  const bomEncoding = encodingByBom(bytes);
  if (bomEncoding) {
    const raw = decodeStrictly(bomEncoding.name, bytes.subarray(bomEncoding.name === 'utf-8' ? 3 : 2));
    return raw === undefined ? undefined : { raw, encoding: bomEncoding };
  }
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  if (sample.includes(0)) return undefined;
  const raw = decodeStrictly('utf-8', bytes);
  if (raw !== undefined && !isMostlyControl(sample)) return { raw, encoding: { name: 'utf-8', bom: false } };
  if (isMostlyControl(sample)) return undefined;
  return { raw: bytes.toString('latin1'), encoding: { name: 'latin1', bom: false } };
}

/** Encodes a text; the inverse of `decodeText`. */
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

function encodingByBom(bytes: Buffer): TextEncoding | undefined {
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
    // A strict decoder only throws if the bytes are invalid.
    return undefined;
  }
}

/** Does not count the control characters of ordinary and coloured text: BEL to CR, and ESC. */
function isMostlyControl(sample: Buffer): boolean {
  const controls = sample.filter(
    (byte) => byte < 7 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127,
  );
  return controls.length > sample.length * MAX_CONTROL_SHARE;
}
