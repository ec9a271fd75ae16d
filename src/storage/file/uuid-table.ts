const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL = '00000000-0000-0000-0000-000000000000';
const WORDS = 4;
const FIRST_CAPACITY = 16;

/**
 * UUIDs by number and numbers by UUID, in 16 bytes and 5 to 11 for the hash table. A `Map` of strings would take 120.
 */
export class UuidTable {
  private count = 0;
  /** Four words for each number; all zero where there is no UUID. */
  private words = new Uint32Array(FIRST_CAPACITY * WORDS);
  /** Open addressing: number + 1, or 0. */
  private slots = new Uint32Array(2 * FIRST_CAPACITY);

  /**
   * Stores the id under the next number; false (and nothing stored) when it is there already, no lower-case UUID, or the
   * nil one.
   */
  push(id: string): boolean {
    if (!UUID.test(id) || id === NIL) return false;
    const words = wordsOf(id);
    if (this.slots[this.slotOf(words)] !== 0) return false;
    // First: it may put a larger array in the place of this one.
    const at = this.reserve();
    this.words.set(words, at);
    this.slots[this.slotOf(words)] = this.count;
    return true;
  }

  /** Uses up the next number without an id. */
  pushNone(): void {
    this.reserve();
  }

  at(seq: number): string {
    const hex = Array.from(this.words.subarray(seq * WORDS, (seq + 1) * WORDS), hex8).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  find(id: string): number | undefined {
    if (!UUID.test(id)) return undefined;
    const wanted = wordsOf(id);
    const found = this.slots[this.slotOf(wanted)] ?? 0;
    return found === 0 ? undefined : found - 1;
  }

  private reserve(): number {
    const at = this.count * WORDS;
    if (at === this.words.length) {
      const larger = new Uint32Array(Math.ceil(this.count * 1.5) * WORDS);
      larger.set(this.words);
      this.words = larger;
    }
    // Less than three quarters full, so that a search ends soon at an empty slot.
    if (this.count * 4 >= this.slots.length * 3) this.hashAgain();
    this.count += 1;
    return at;
  }

  private hashAgain(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    for (let seq = 0; seq < this.count; seq += 1) {
      const words = this.words.subarray(seq * WORDS, (seq + 1) * WORDS);
      if (words.some((word) => word !== 0)) this.slots[this.slotOf(words)] = seq + 1;
    }
  }

  /** The slot that holds these words, or the empty one where they belong. */
  private slotOf(words: ArrayLike<number>): number {
    const mask = this.slots.length - 1;
    // Random UUIDs need no better hash; mixing in all words keeps counted-up ones apart as well.
    const mixed = (words[0] ?? 0) ^ (words[1] ?? 0) ^ (words[2] ?? 0) ^ (words[3] ?? 0);
    let slot = (Math.imul(mixed, 0x9e3779b1) >>> 0) & mask;
    while (this.slots[slot] !== 0 && !this.holds((this.slots[slot] ?? 0) - 1, words))
      slot = (slot + 1) & mask;
    return slot;
  }

  private holds(seq: number, words: ArrayLike<number>): boolean {
    const at = seq * WORDS;
    return (
      this.words[at] === words[0] &&
      this.words[at + 1] === words[1] &&
      this.words[at + 2] === words[2] &&
      this.words[at + 3] === words[3]
    );
  }
}

function wordsOf(uuid: string): [number, number, number, number] {
  return [
    Number.parseInt(uuid.slice(0, 8), 16),
    Number.parseInt(uuid.slice(9, 13) + uuid.slice(14, 18), 16),
    Number.parseInt(uuid.slice(19, 23) + uuid.slice(24, 28), 16),
    Number.parseInt(uuid.slice(28), 16),
  ];
}

function hex8(word: number): string {
  return word.toString(16).padStart(8, '0');
}
