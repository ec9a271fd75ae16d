import { fallbacks } from '../../text/index.js';
import { PatchError } from './patch-error.js';

/** How many lines may be compared for one patch (0.5 s); more is refused. */
const MAX_COMPARISONS = 200_000_000;
/** So many are compared, or numbered, in one part of the work. */
const LINES_AT_ONCE = 8192;

/** The comparisons that a patch has left. */
export class ComparisonBudget {
  private left = MAX_COMPARISONS;

  /** @throws PatchError once nothing is left */
  spend(count: number): void {
    this.left -= count;
    if (this.left < 0) {
      throw new PatchError('The patch is too large for this file: split it, or rewrite the file as a whole.');
    }
  }
}

/**
 * The lines of a text as numbers, equal lines with equal numbers, so that a sequence of lines is found in
 * linear time whatever the lines are. All methods work in parts.
 */
export class NumberedLines {
  private constructor(
    private readonly form: (line: string) => string,
    /** The number of each line. */
    private readonly lines: Int32Array,
    private readonly numbers: ReadonlyMap<string, number>,
    /** By number: the last line that has it. */
    private readonly last: readonly number[],
    private readonly budget: ComparisonBudget,
  ) {}

  /** @param form what of a line counts: lines are equal when their forms are */
  static *of(
    lines: readonly string[],
    form: (line: string) => string,
    budget: ComparisonBudget,
  ): Generator<void, NumberedLines> {
    const numbered = new Int32Array(lines.length);
    const numbers = new Map<string, number>();
    const last: number[] = [];
    for (const [index, line] of lines.entries()) {
      const key = form(line);
      const number = numbers.get(key) ?? numbers.size;
      if (number === numbers.size) numbers.set(key, number);
      numbered[index] = number;
      last[number] = index;
      if (index % LINES_AT_ONCE === 0) yield;
    }
    return new NumberedLines(form, numbered, numbers, last, budget);
  }

  /**
   * Where a sequence of lines begins that is within the lines `from` up to `end`; -1 if there is none.
   * @throws PatchError
   */
  *find(searched: readonly string[], from: number, end = this.lines.length): Generator<void, number> {
    if (from + searched.length > end) return -1;
    const wanted = new Int32Array(searched.length);
    for (const [index, line] of searched.entries()) {
      const number = this.numbers.get(this.form(line));
      // It is nowhere, or only above.
      if (number === undefined || (this.last[number] ?? -1) < from) return -1;
      wanted[index] = number;
      if (index % LINES_AT_ONCE === 0) yield;
    }
    if (wanted.length === 0) return from;
    const table = fallbacks(wanted.length, (at) => wanted[at] ?? -1);
    let matched = 0;
    for (let at = from; at < end; at += 1) {
      const number = this.lines[at];
      while (matched > 0 && wanted[matched] !== number) matched = table[matched - 1] ?? 0;
      if (wanted[matched] === number) matched += 1;
      if (matched === wanted.length) {
        this.budget.spend((at - from) % LINES_AT_ONCE);
        return at - matched + 1;
      }
      if ((at - from) % LINES_AT_ONCE !== LINES_AT_ONCE - 1) continue;
      this.budget.spend(LINES_AT_ONCE);
      yield;
    }
    this.budget.spend((end - from) % LINES_AT_ONCE);
    return -1;
  }
}
