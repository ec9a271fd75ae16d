/** Pseudo-random numbers that depend only on the seed (mulberry32). */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0 (inclusive) to 1 (exclusive). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer from `low` to `high`, both inclusive. */
  whole(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One of the names, weighted: `{ fine: 8, slow: 1 }`. */
  pick(weights) {
    const entries = Object.entries(weights);
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.next() * total;
    for (const [name, weight] of entries) if ((left -= weight) < 0) return name;
    return entries[0][0];
  }

  /** Another source that depends only on this seed and a name, so that sources do not affect each other. */
  static of(seed, name) {
    let mixed = seed >>> 0;
    for (const character of name) mixed = Math.imul(mixed ^ character.codePointAt(0), 0x01000193) >>> 0;
    return new Random(mixed);
  }
}
