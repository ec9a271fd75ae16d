import { open, readFile, rm } from 'node:fs/promises';
import { errorCode } from '../../../errors/index.js';
import { writeDurably } from './durable.js';

/** Positions have a fixed number of digits, so that they can be overwritten in place without tearing. */
const DIGITS = 15;

/** Creates a position file. It is durable when this resolves. */
export function createPosition(file: string, position: number): Promise<void> {
  return writeDurably(file, format(position));
}

/**
 * Overwrites a position. Not synced: after a power failure an older position may be read, and events are
 * delivered twice. A missing file is not created.
 */
export async function writePosition(file: string, position: number): Promise<void> {
  try {
    const handle = await open(file, 'r+');
    try {
      await handle.write(format(position), 0);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * Reads a position; undefined if the file does not exist. Invalid content counts as 0: delivering twice is
 * better than losing events.
 */
export async function readPosition(file: string): Promise<number | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    return /^\d+\n$/.test(text) ? Number(text) : 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function removePosition(file: string): Promise<void> {
  return rm(file, { force: true });
}

function format(position: number): string {
  return `${String(position).padStart(DIGITS, '0')}\n`;
}
