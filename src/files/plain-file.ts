import { constants, fstatSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/**
 * Flags for opening plain files only: links are not followed, and opening a pipe does not wait for its other
 * end.
 */
export const PLAIN = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A pipe, a device or another thing without an end where a file is expected. */
export class NotAFileError extends Error {
  override readonly name = 'NotAFileError';
  /** The code of the system for links. */
  readonly code = 'ELOOP';
  constructor(file: string) {
    super(`${file} is not a plain file`);
  }
}

/** @throws NotAFileError for a descriptor of anything but a file */
export function assertPlainFile(fd: number, file: string): void {
  if (!fstatSync(fd).isFile()) throw new NotAFileError(file);
}

/** Opens a plain file. @throws NotAFileError, ELOOP for a link, other errors of the system */
export async function openPlainFile(file: string, flags: number = constants.O_RDONLY): Promise<FileHandle> {
  const handle = await open(file, flags | PLAIN);
  try {
    assertPlainFile(handle.fd, file);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Reads a plain file as text.
 * @param maxBytes for a file that somebody else writes: it may grow while it is read
 * @throws as `openPlainFile`, RangeError for a longer file
 */
export async function readPlainFile(file: string, maxBytes = Infinity): Promise<string> {
  const handle = await openPlainFile(file);
  try {
    if (maxBytes === Infinity) return await handle.readFile('utf8');
    const { size } = await handle.stat();
    if (size > maxBytes) throw new RangeError(`it has more than ${maxBytes} bytes`);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Reads a plain file. @throws as `openPlainFile` */
export async function readPlainBytes(file: string): Promise<Buffer> {
  const handle = await openPlainFile(file);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Makes the content of a plain file durable. @throws as `openPlainFile` */
export async function syncPlainFile(file: string): Promise<void> {
  const handle = await openPlainFile(file);
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
