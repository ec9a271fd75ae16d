import { isUtf8 } from 'node:buffer';

/** So much is decoded at a time (bytes): in half a millisecond. */
const BLOCK = 256 * 1024;
/** Smaller pieces are put together, in blocks of so many bytes. */
const SMALL_PIECE = 1024;
const GATHERED = 16 * 1024;

/**
 * A text that comes as pieces of UTF-8, decoded while they come: ten megabytes at the end would hold
 * everything up for 40 ms. Short ones are decoded at the end, in one piece.
 */
export class Utf8Text {
  /** How many bytes have come. */
  size = 0;
  private readonly parts: string[] = [];
  private pending: Buffer[] = [];
  private pendingSize = 0;
  /** Where small pieces are put together, and how much of it is used. */
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
   * The text, a mark at its beginning included, in parts of whole characters; undefined where the bytes are
   * not UTF-8.
   */
  end(): readonly string[] | undefined {
    this.decode((bytes) => bytes.length);
    return this.isBroken ? undefined : this.parts;
  }

  /** Copies a small piece behind those before it: by itself it would take more memory than its bytes. */
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

  /** @param until how many of the bytes are decoded now; the others wait for those that follow */
  private decode(until: (bytes: Buffer) => number): void {
    this.takeGathered();
    const [first, ...others] = this.pending;
    const bytes = first && others.length === 0 ? first : Buffer.concat(this.pending);
    const end = until(bytes);
    if (!isUtf8(bytes.subarray(0, end))) this.isBroken = true;
    // Nobody reads a text of which a part is none; the rest of it may still be on its way.
    if (this.isBroken) this.parts.length = 0;
    else this.parts.push(bytes.toString('utf8', 0, end));
    this.pending = end < bytes.length ? [bytes.subarray(end)] : [];
    this.pendingSize = bytes.length - end;
  }
}

/** Decodes UTF-8 in parts, one for each `yield`; undefined where it is none. */
export function* decodeInParts(bytes: Buffer): Generator<void, readonly string[] | undefined> {
  const text = new Utf8Text();
  for (let at = 0; at < bytes.length; at += BLOCK) {
    if (at > 0) yield;
    text.push(bytes.subarray(at, at + BLOCK));
  }
  return text.end();
}

/**
 * Where the last character that is complete ends, in what begins with one; of bytes that are no UTF-8,
 * anywhere.
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
