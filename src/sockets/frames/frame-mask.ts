/*
 * How clients' frames are masked (RFC 6455, 5.3): each byte with one of four, in turn. `ws` does it byte by
 * byte, 20 ms for ten megabytes, unless Node can do it (24 cannot) or it finds the package `bufferutil`,
 * which is native code. The bundle gives it this in its place: a word at a time.
 */

const WORD = 4;

/** Masks `length` bytes of a source, into another buffer. */
export function mask(source: Buffer, key: Buffer, output: Buffer, offset: number, length: number): void {
  const target = output.subarray(offset, offset + length);
  target.set(source.subarray(0, length));
  unmask(target, key);
}

/** Takes the mask off bytes, or puts it on, where they are. */
export function unmask(bytes: Buffer, key: Buffer): void {
  const start = Math.min((WORD - (bytes.byteOffset % WORD)) % WORD, bytes.length);
  maskBytes(bytes, key, 0, start);
  const count = (bytes.length - start) >> 2;
  if (count > 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, count);
    // In the order of the machine's bytes, whatever that is.
    const [word = 0] = new Uint32Array(
      Uint8Array.from([0, 1, 2, 3], (at) => key[(start + at) & 3] ?? 0).buffer,
    );
    for (let at = 0; at < count; at += 1) words[at] = (words[at] ?? 0) ^ word;
  }
  maskBytes(bytes, key, start + count * WORD, bytes.length);
}

function maskBytes(bytes: Buffer, key: Buffer, from: number, to: number): void {
  for (let at = from; at < to; at += 1) bytes[at] = (bytes[at] ?? 0) ^ (key[at & 3] ?? 0);
}
