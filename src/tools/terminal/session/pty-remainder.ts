import { readSync } from 'node:fs';

import type { IPty } from '@lydell/node-pty';

/**
 * Reads what a terminal still holds when its stream ends. The event loop takes a hang-up behind a short read
 * for the end of the data (`uv__stream_io` of libuv), but a terminal gives its output line by line: without
 * this about one in 200 shells that end themselves would lose their last words.
 */
export function readRemainder(pty: IPty, push: (bytes: Buffer) => void): void {
  // Both are there on Unix, though the types do not say so: `on` passes events of the terminal's stream on.
  const on: unknown = Reflect.get(pty, 'on');
  const fd: unknown = Reflect.get(pty, 'fd');
  if (typeof on !== 'function' || typeof fd !== 'number') return;
  Reflect.apply(on, pty, ['end', () => drain(fd, push)]);
}

/**
 * The stream has ended but its descriptor is open; nobody writes to the other side, so this comes to an end.
 */
function drain(fd: number, push: (bytes: Buffer) => void): void {
  const buffer = Buffer.alloc(4096);
  try {
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
      push(Buffer.from(buffer.subarray(0, length)));
    }
  } catch {
    // EIO is how a terminal says that there is nothing more.
  }
}
