/** Bytes that a terminal has before it prints more than that. */
const INITIAL_BYTES = 4 * 1024;

/**
 * The last bytes that a terminal has printed. Each byte has an offset, counted from the start of the
 * terminal, by which clients continue after a lost connection.
 */
export class Scrollback {
  private ring: Buffer;
  private written = 0;

  /** @param capacity bytes that are kept at most; memory is taken as it is needed */
  constructor(readonly capacity: number) {
    this.ring = Buffer.allocUnsafeSlow(Math.min(INITIAL_BYTES, capacity));
  }

  /** Offset of the oldest kept byte. */
  get start(): number {
    return Math.max(0, this.written - this.ring.length);
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.written;
  }

  append(bytes: Buffer): void {
    this.grow(bytes.length);
    const size = this.ring.length;
    const kept = bytes.subarray(Math.max(0, bytes.length - size));
    this.written += bytes.length - kept.length;
    const at = this.written % size;
    const first = kept.copy(this.ring, at, 0, Math.min(kept.length, size - at));
    kept.copy(this.ring, 0, first);
    this.written += kept.length;
  }

  /**
   * A copy of kept bytes.
   * @param from at least `start`
   * @param most bytes that are returned at most
   */
  read(from: number, most: number): Buffer {
    const size = this.ring.length;
    const length = Math.max(0, Math.min(most, this.written - from));
    const at = from % size;
    const first = this.ring.subarray(at, Math.min(size, at + length));
    return Buffer.concat([first, this.ring.subarray(0, length - first.length)], length);
  }

  /**
   * Where somebody who begins to read begins: at the oldest byte, or, if there was something before, after
   * the next line break, because the oldest byte may be in the middle of a character or control sequence.
   */
  beginning(): number {
    const { start } = this;
    if (start === 0) return 0;
    const line = this.read(start, INITIAL_BYTES).indexOf('\n');
    return start + line + 1;
  }

  private grow(more: number): void {
    const needed = Math.min(this.capacity, this.written + more);
    if (needed <= this.ring.length) return;
    let size = this.ring.length;
    while (size < needed) size = Math.min(this.capacity, 2 * size);
    const before = this.read(this.start, this.ring.length);
    const { start } = this;
    this.ring = Buffer.allocUnsafeSlow(size);
    const at = start % size;
    const first = before.copy(this.ring, at, 0, Math.min(before.length, size - at));
    before.copy(this.ring, 0, first);
  }
}
