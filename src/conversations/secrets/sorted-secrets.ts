/** Secrets in their order, so that one is found among thousands in a dozen comparisons. */
export class SortedSecrets {
  private readonly values: readonly string[];
  /** For each the longest other that it begins with: its place, or -1. */
  private readonly shorter: readonly number[];
  /** The length of the longest. */
  readonly longest: number;

  constructor(values: Iterable<string>) {
    this.values = [...values].sort((a, b) => (a < b ? -1 : 1));
    this.longest = this.values.reduce((most, { length }) => Math.max(most, length), 0);
    const open: number[] = [];
    this.shorter = this.values.map((value, index) => {
      while (open.length > 0 && !value.startsWith(this.valueAt(open.at(-1)))) open.pop();
      const before = open.at(-1) ?? -1;
      open.push(index);
      return before;
    });
  }

  /** The longest that stands in this place of a text. */
  longestAt(text: string, start: number): string | undefined {
    // What a text begins with is not behind it, and all that stand in between begin with that, too.
    let index = this.countUpTo(text.slice(start, start + this.longest)) - 1;
    while (index >= 0 && !text.startsWith(this.valueAt(index), start)) index = this.shorter[index] ?? -1;
    return this.values[index];
  }

  /** Whether one begins with this and goes on. */
  goesOn(beginning: string): boolean {
    return this.values[this.countUpTo(beginning)]?.startsWith(beginning) ?? false;
  }

  /** How many of them are not behind a text. */
  private countUpTo(text: string): number {
    let [low, high] = [0, this.values.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.valueAt(middle) <= text) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private valueAt(index: number | undefined): string {
    return this.values[index ?? 0] ?? '';
  }
}
