/** So much is copied at a time. */
const COPIED = 256 * 1024;

/** Puts pieces together in parts, one for each `yield`: ten megabytes of new memory take 10 ms. */
export function* joinInParts(pieces: readonly Buffer[]): Generator<void, Buffer> {
  const joined = Buffer.allocUnsafe(pieces.reduce((sum, { length }) => sum + length, 0));
  yield* copyInParts(pieces, joined, 0);
  return joined;
}

/** Copies pieces one behind the other into a buffer that has room for them, in parts. */
function* copyInParts(pieces: readonly Buffer[], target: Buffer, at: number): Generator<void, void> {
  let left = COPIED;
  for (const piece of pieces) {
    for (let from = 0; from < piece.length;) {
      const length = Math.min(left, piece.length - from);
      piece.copy(target, at, from, from + length);
      from += length;
      at += length;
      left -= length;
      if (left > 0) continue;
      yield;
      left = COPIED;
    }
  }
}
