import { open, readFile, rm } from 'node:fs/promises';
import { errorCode } from '../../errors/index.js';
import { writeDurably } from './durable.js';

/**
 * Digits of a position: the text always has the same length, so that overwriting it in place cannot tear it.
 */
const DIGITS = 15;

/** Makes a file that holds a position. It is there, also after a power cut, when this resolves. */
export function createPosition(file: string, position: number): Promise<void> {
  return writeDurably(file, format(position));
}

/**
 * Overwrites a position. Not synced: after a power cut an older one may stand there, and what lies between is
 * sent twice. A file that is gone stays gone.
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
 * The position in a file; undefined when there is none. What cannot be read is 0: rather everything twice
 * than a loss.
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
