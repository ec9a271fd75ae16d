import fs, { constants } from 'node:fs';
import { errorCode } from '../../errors/index.js';
import { HANDLES, O_PATH } from '../../files/index.js';
import { SandboxError } from '../sandbox-error.js';
import type { Mount } from './mounts.js';

/** What a program must find at a path. */
export interface Expected {
  at: string;
  /** Device and inode, as `stat -c %d:%i` prints them. */
  identity: string;
}

/** Mounts, and what a program must find before it runs (see `checkedProgram`). */
export interface SettledMounts {
  mounts: Mount[];
  expected: Expected[];
}

/**
 * Holds each place that may be shown to what is there now: bubblewrap takes paths, and another agent that may
 * change a folder above could put a link there before it mounts them. What is missing now is left out, so
 * that nothing that appears later is shown.
 * @throws SandboxError if a place was replaced since its real path was decided upon
 */
export function settle(mounts: readonly Mount[]): SettledMounts {
  const settled: Mount[] = [];
  const expected = new Map<string, Expected>();
  for (const mount of mounts) {
    if (!isChecked(mount)) {
      settled.push(mount);
      continue;
    }
    const { at, from = at, optional = false } = mount;
    const identity = identityOf(from);
    if (identity === undefined && optional) continue;
    if (identity === undefined) throw replaced(from);
    settled.push(mount);
    expected.set(at, { at, identity });
  }
  return { mounts: settled, expected: [...expected.values()] };
}

function isChecked({ as, ofSystem = false }: Mount): boolean {
  return !ofSystem && (as === 'writable' || as === 'read-only' || as === 'private');
}

/** @param file a real path @returns undefined if nothing is there @throws SandboxError for a link */
function identityOf(file: string): string | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    // Links before the last part of the path show in the real path.
    const { dev, ino, mode } = fs.fstatSync(fd, { bigint: true });
    const isLink = (Number(mode) & constants.S_IFMT) === constants.S_IFLNK;
    if (isLink || fs.readlinkSync(`${HANDLES}/${fd}`) !== file) throw replaced(file);
    return `${dev}:${ino}`;
  } finally {
    fs.closeSync(fd);
  }
}

function replaced(file: string): SandboxError {
  return new SandboxError(
    `${file} was moved or replaced while a program was started. Try again, or restart the server.`,
  );
}
