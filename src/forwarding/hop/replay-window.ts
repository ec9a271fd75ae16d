/** How many numbers below the highest one may still arrive: requests overtake each other. */
const SIZE = 16_384;

/** Accepts each number of a growing sequence once, in nearly any order, but none far below the highest. */
export class ReplayWindow {
  private highest = -1;
  /** Bit `number % SIZE` says that the number was accepted. */
  private readonly seen = new Uint8Array(SIZE / 8);

  /** Whether the number is accepted: it was not before. */
  accept(number: number): boolean {
    if (number <= this.highest - SIZE) return false;
    if (number > this.highest) this.advance(number);
    else if (this.has(number)) return false;
    this.set(number, true);
    return true;
  }

  private has(number: number): boolean {
    return ((this.seen[byteOf(number)] ?? 0) & bitOf(number)) !== 0;
  }

  /** Forgets the numbers that leave the window. */
  private advance(number: number): void {
    if (number - this.highest >= SIZE) this.seen.fill(0);
    else for (let next = this.highest + 1; next <= number; next += 1) this.set(next, false);
    this.highest = number;
  }

  private set(number: number, isSeen: boolean): void {
    const byte = byteOf(number);
    const before = this.seen[byte] ?? 0;
    this.seen[byte] = isSeen ? before | bitOf(number) : before & ~bitOf(number);
  }
}

function byteOf(number: number): number {
  return (number % SIZE) >> 3;
}

function bitOf(number: number): number {
  return 1 << (number & 7);
}
