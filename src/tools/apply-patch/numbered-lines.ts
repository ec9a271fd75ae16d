import { fallbacks } from '../../text/index.js';
import { PatchError } from './patch-error.js';

/** The maximum number of line comparisons for a patch (0.5 s). */
const MAX_COMPARISONS = 200_000_000;
/** The number of lines that are processed between two yields. */
const CHUNK_LINES = 8192;

/** Limits the line comparisons of a patch. */
export class ComparisonBudget {
  private left = MAX_COMPARISONS;

  /** @throws PatchError once the budget is exceeded */
  spend(count: number): void {
    this.left -= count;
    if (this.left < 0) {
      throw new PatchError('The patch is too large for this file: split it, or rewrite the file as a whole.');
    }
  }
}

/**
 * The lines of a text as numbers, equal lines with equal numbers. A sequence of lines is found in linear
 * time. The generators yield regularly so that their caller can let the event loop run.
 */
export class NumberedLines {
  private constructor(
    private readonly form: (line: string) => string,
    /** The number of each line. */
    private readonly lines: Int32Array,
    private readonly numbers: ReadonlyMap<string, number>,
    /** For each number, the index of the last line that has it. */
    private readonly last: readonly number[],
    private readonly budget: ComparisonBudget,
  ) {}

  /** @param form normalises a line: lines with the same form are equal */
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
      if (index % CHUNK_LINES === 0) yield;
    }
    return new NumberedLines(form, numbered, numbers, last, budget);
  }

  /**
   * Finds a sequence of lines between `from` and `end` (exclusive). Returns its first line, or -1.
   * @throws PatchError
   */
  *find(searched: readonly string[], from: number, end = this.lines.length): Generator<void, number> {
    if (from + searched.length > end) return -1;
    const wanted = new Int32Array(searched.length);
    for (const [index, line] of searched.entries()) {
      const number = this.numbers.get(this.form(line));
      // The line does not occur, or only above `from`.
      if (number === undefined || (this.last[number] ?? -1) < from) return -1;
      wanted[index] = number;
      if (index % CHUNK_LINES === 0) yield;
    }
    if (wanted.length === 0) return from;
    const table = fallbacks(wanted.length, (at) => wanted[at] ?? -1);
    let matched = 0;
    for (let at = from; at < end; at += 1) {
      const number = this.lines[at];
      while (matched > 0 && wanted[matched] !== number) matched = table[matched - 1] ?? 0;
      if (wanted[matched] === number) matched += 1;
      if (matched === wanted.length) {
        this.budget.spend((at - from) % CHUNK_LINES);
        return at - matched + 1;
      }
      if ((at - from) % CHUNK_LINES !== CHUNK_LINES - 1) continue;
      this.budget.spend(CHUNK_LINES);
      yield;
    }
    this.budget.spend((end - from) % CHUNK_LINES);
    return -1;
  }
}
