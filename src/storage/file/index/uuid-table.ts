/** Length of a dashed UUID in ASCII. */
export const UUID_BYTES = 36;
const DASH = 45;
const NO_DIGIT = 0xff;
/** The value of each byte as a lower-case hexadecimal digit. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte));
  return digit === -1 ? NO_DIGIT : digit;
});
const WORDS = 4;
const FIRST_CAPACITY = 8;

/** A UUID as four words of 32 bits. */
export type UuidWords = readonly [number, number, number, number];

/** The UUID that begins at an offset; undefined if there is no lower-case UUID. */
export function uuidAt(bytes: Buffer, at: number): UuidWords | undefined {
  const dashed =
    bytes[at + 8] === DASH && bytes[at + 13] === DASH && bytes[at + 18] === DASH && bytes[at + 23] === DASH;
  if (!dashed) return undefined;
  const first = hexAt(bytes, at, 8);
  const second = hexAt(bytes, at + 9, 4) * 0x1_0000 + hexAt(bytes, at + 14, 4);
  const third = hexAt(bytes, at + 19, 4) * 0x1_0000 + hexAt(bytes, at + 24, 4);
  const fourth = hexAt(bytes, at + 28, 8);
  return Number.isNaN(first + second + third + fourth) ? undefined : [first, second, third, fourth];
}

/** The value of `count` hexadecimal digits; NaN if one of them is not a digit. */
function hexAt(bytes: Buffer, from: number, count: number): number {
  let value = 0;
  let broken = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = DIGITS[bytes[at] ?? 0] ?? NO_DIGIT;
    broken |= digit;
    value = (value << 4) | digit;
  }
  return broken > 0xf ? NaN : value >>> 0;
}

function uuidOf(text: string): UuidWords | undefined {
  const bytes = Buffer.from(text);
  return bytes.length === UUID_BYTES ? uuidAt(bytes, 0) : undefined;
}

/** Formats a UUID. */
export function formatUuid(words: ArrayLike<number>): string {
  const hex = Array.from(words, hex8).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The content of a table, to be saved. */
export interface PackedUuids {
  words: Uint32Array;
  slots: Uint32Array;
}

/**
 * Maps numbers to UUIDs and UUIDs to numbers, with 16 bytes for each and 5 to 11 for the hash table. A `Map`
 * of strings would need 120.
 */
export class UuidTable {
  private count = 0;
  /** Four words for each number; all zero if it has no UUID. */
  private words: Uint32Array;
  /** Hash table with open addressing: number + 1, or 0 if empty. */
  private slots: Uint32Array;

  constructor() {
    // One buffer: each has an overhead of a hundred bytes, and most tables stay small.
    const { buffer } = new Uint32Array(FIRST_CAPACITY * (WORDS + 2));
    this.words = new Uint32Array(buffer, 0, FIRST_CAPACITY * WORDS);
    this.slots = new Uint32Array(buffer, FIRST_CAPACITY * WORDS * 4, 2 * FIRST_CAPACITY);
  }

  /**
   * Stores an id under the next number. False, and nothing is stored, if it exists already, is not a
   * lower-case UUID, or is the nil UUID.
   */
  push(id: string): boolean {
    const words = uuidOf(id);
    return words !== undefined && this.pushWords(words);
  }

  /** Like `push`, for the words of a UUID. */
  pushWords(words: UuidWords): boolean {
    if (words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] === 0) return false;
    let slot = this.slotOf(words);
    if (this.slots[slot] !== 0) return false;
    const { slots } = this;
    // Before the writes: it may replace the arrays by larger ones.
    const at = this.reserve();
    if (this.slots !== slots) slot = this.slotOf(words);
    this.words.set(words, at);
    this.slots[slot] = this.count;
    return true;
  }

  /** A copy of the content without spare capacity. */
  packed(): PackedUuids {
    return { words: this.words.slice(0, this.count * WORDS), slots: this.slots.slice() };
  }

  /** Restores a table; it takes ownership of the arrays. */
  static of({ words, slots }: PackedUuids): UuidTable {
    const table = new UuidTable();
    table.count = words.length / WORDS;
    table.words = words;
    table.slots = slots;
    return table;
  }

  /** Skips the next number: it has no id. */
  pushEmpty(): void {
    this.reserve();
  }

  at(seq: number): string {
    return formatUuid(this.words.subarray(seq * WORDS, (seq + 1) * WORDS));
  }

  find(id: string): number | undefined {
    const wanted = uuidOf(id);
    const found = wanted && this.slots[this.slotOf(wanted)];
    return found === undefined || found === 0 ? undefined : found - 1;
  }

  private reserve(): number {
    const at = this.count * WORDS;
    if (at === this.words.length) {
      const larger = new Uint32Array(Math.ceil((this.count + 1) * 1.5) * WORDS);
      larger.set(this.words);
      this.words = larger;
    }
    // At most three quarters full, so that searches soon reach an empty slot.
    if (this.count * 4 >= this.slots.length * 3) this.rehash();
    this.count += 1;
    return at;
  }

  private rehash(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    for (let seq = 0; seq < this.count; seq += 1) {
      const at = seq * WORDS;
      const [a = 0, b = 0, c = 0, d = 0] = [
        this.words[at],
        this.words[at + 1],
        this.words[at + 2],
        this.words[at + 3],
      ];
      if ((a | b | c | d) !== 0) this.slots[this.slotOf([a, b, c, d])] = seq + 1;
    }
  }

  /** The slot that holds a UUID, or the empty one where it belongs. */
  private slotOf(words: UuidWords): number {
    const mask = this.slots.length - 1;
    // Random UUIDs need no better hash; mixing all words separates sequential ones as well.
    const mixed = words[0] ^ words[1] ^ words[2] ^ words[3];
    let slot = (Math.imul(mixed, 0x9e3779b1) >>> 0) & mask;
    while (this.slots[slot] !== 0 && !this.holds((this.slots[slot] ?? 0) - 1, words))
      slot = (slot + 1) & mask;
    return slot;
  }

  private holds(seq: number, words: UuidWords): boolean {
    const at = seq * WORDS;
    return (
      this.words[at] === words[0] &&
      this.words[at + 1] === words[1] &&
      this.words[at + 2] === words[2] &&
      this.words[at + 3] === words[3]
    );
  }
}

function hex8(word: number): string {
  return word.toString(16).padStart(8, '0');
}
