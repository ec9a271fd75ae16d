import { readSync } from 'node:fs';

import type { IPty } from '@lydell/node-pty';

/**
 * Reads the output that remains in a terminal when its stream ends. libuv treats a hang-up after a short read
 * as the end of the data (`uv__stream_io`), but terminals return their output line by line. Without this,
 * about one in 200 shells that exit would lose their last output.
 */
export function readRemainder(pty: IPty, push: (bytes: Buffer) => void): void {
  // Both exist on Unix, although the types lack them. `on` forwards events of the terminal's stream.
  const on: unknown = Reflect.get(pty, 'on');
  const fd: unknown = Reflect.get(pty, 'fd');
  if (typeof on !== 'function' || typeof fd !== 'number') return;
  Reflect.apply(on, pty, ['end', () => drain(fd, push)]);
}

/**
 * The stream has ended, but its descriptor is still open. There is no writer any more, so this terminates.
 */
function drain(fd: number, push: (bytes: Buffer) => void): void {
  const buffer = Buffer.alloc(4096);
  try {
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
      push(Buffer.from(buffer.subarray(0, length)));
    }
  } catch {
    // A terminal reports its end by EIO.
  }
}
