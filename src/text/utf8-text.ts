import { isUtf8 } from 'node:buffer';

/** Bytes that are decoded at a time: half a millisecond. */
const BLOCK = 256 * 1024;
/** Pieces of fewer bytes are copied into blocks. */
const SMALL_PIECE = 1024;
const GATHERED = 16 * 1024;

/**
 * Decodes UTF-8 as it arrives: decoding ten megabytes at the end would block the event loop for 40 ms. Short
 * text is decoded at the end.
 */
export class Utf8Text {
  /** Bytes received. */
  size = 0;
  private readonly parts: string[] = [];
  private pending: Buffer[] = [];
  private pendingSize = 0;
  /** Block into which small pieces are copied, and how much of it is used. */
  private gathered = Buffer.alloc(0);
  private gatheredSize = 0;
  private isBroken = false;

  push(bytes: Buffer): void {
    this.size += bytes.length;
    if (bytes.length < SMALL_PIECE && this.pendingSize > 0) this.gather(bytes);
    else {
      this.takeGathered();
      this.pending.push(bytes);
    }
    this.pendingSize += bytes.length;
    if (this.pendingSize >= BLOCK) this.decode(wholeCharacters);
  }

  /**
   * The text in parts of whole characters, including a byte order mark. Undefined if the bytes are not UTF-8.
   */
  end(): readonly string[] | undefined {
    this.decode((bytes) => bytes.length);
    return this.isBroken ? undefined : this.parts;
  }

  /** Copies a small piece into the block: a buffer of its own would take more memory than its bytes. */
  private gather(bytes: Buffer): void {
    if (this.gatheredSize + bytes.length > this.gathered.length) {
      this.takeGathered();
      this.gathered = Buffer.allocUnsafe(GATHERED);
    }
    bytes.copy(this.gathered, this.gatheredSize);
    this.gatheredSize += bytes.length;
  }

  private takeGathered(): void {
    if (this.gatheredSize > 0) this.pending.push(this.gathered.subarray(0, this.gatheredSize));
    this.gathered = this.gathered.subarray(this.gatheredSize);
    this.gatheredSize = 0;
  }

  /** @param until how many of the bytes are decoded now; the rest waits for more */
  private decode(until: (bytes: Buffer) => number): void {
    this.takeGathered();
    const [first, ...others] = this.pending;
    const bytes = first && others.length === 0 ? first : Buffer.concat(this.pending);
    const end = until(bytes);
    if (!isUtf8(bytes.subarray(0, end))) this.isBroken = true;
    // Invalid UTF-8: discard what was decoded.
    if (this.isBroken) this.parts.length = 0;
    else this.parts.push(bytes.toString('utf8', 0, end));
    this.pending = end < bytes.length ? [bytes.subarray(end)] : [];
    this.pendingSize = bytes.length - end;
  }
}

/** Decodes UTF-8 in parts, one for each `yield`. Undefined if the bytes are not UTF-8. */
export function* decodeInParts(bytes: Buffer): Generator<void, readonly string[] | undefined> {
  const text = new Utf8Text();
  for (let at = 0; at < bytes.length; at += BLOCK) {
    if (at > 0) yield;
    text.push(bytes.subarray(at, at + BLOCK));
  }
  return text.end();
}

/**
 * The end of the last complete character, in bytes that begin with a whole character. Any position for bytes
 * that are not UTF-8.
 */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
