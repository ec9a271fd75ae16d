import type { SourceText, Splice } from '../text-files/source-text.js';
import { ComparisonBudget, NumberedLines } from './numbered-lines.js';
import type { Hunk, HunkLine } from './parse-patch.js';
import { PatchError } from './patch-error.js';

/** Ways to compare lines, from strict to lenient, with the fuzz that a match adds. */
const COMPARISONS: readonly { fuzz: number; of: (line: string) => string }[] = [
  { fuzz: 0, of: (line) => line },
  { fuzz: 1, of: (line) => line.trimEnd() },
  { fuzz: 100, of: (line) => line.trim() },
];
/** The fuzz of a hunk for the end of the file that only matches elsewhere. */
const FUZZ_NOT_AT_END = 10_000;

/**
 * Applies hunks to a text from top to bottom. Context lines stay as they are in the file. Yields regularly,
 * because a patch may have thousands of hunks for a file of a million lines.
 * @throws PatchError if a hunk does not match
 */
export function* applyHunks(
  source: SourceText,
  hunks: readonly Hunk[],
): Generator<void, { edited: SourceText; fuzz: number }> {
  const lines = source.text.split('\n');
  const finder = new HunkFinder(lines);
  const offsets = new LineOffsets(lines);
  const splices: Splice[] = [];
  let from = 0;
  let fuzz = 0;
  for (const hunk of hunks) {
    for (const anchor of hunk.anchors) {
      from = yield* finder.lineBelow(anchor, from);
      yield;
    }
    const expected = hunk.lines.filter(({ kind }) => kind !== '+').map(({ text }) => text);
    const found = yield* hunk.atEnd ? finder.findAtEnd(expected, from) : finder.find(expected, from);
    if (!found) {
      throw new PatchError(`Invalid${hunk.atEnd ? ' EOF' : ''} Context ${from}:\n${expected.join('\n')}`);
    }
    for (const splice of splicesOf(hunk.lines, found.at, offsets)) splices.push(splice);
    from = found.at + expected.length;
    fuzz += found.fuzz;
    yield;
  }
  return { edited: source.spliceAll(splices), fuzz };
}

interface HunkMatch {
  at: number;
  fuzz: number;
}

/** Finds a hunk's lines in a text, exactly or else ignoring white space around them. */
class HunkFinder {
  private readonly budget = new ComparisonBudget();
  /** One per comparison, created when needed. */
  private readonly numbered: NumberedLines[] = [];

  constructor(private readonly lines: readonly string[]) {}

  /** The line below an anchor, or `from` if the anchor is not found. */
  *lineBelow(anchor: string, from: number): Generator<void, number> {
    const found = yield* this.find([anchor], from);
    return found ? found.at + 1 : from;
  }

  *find(
    expected: readonly string[],
    from: number,
    end = this.lines.length,
  ): Generator<void, HunkMatch | undefined> {
    for (const [index, { fuzz, of }] of COMPARISONS.entries()) {
      const numbered = (this.numbered[index] ??= yield* NumberedLines.of(this.lines, of, this.budget));
      const at = yield* numbered.find(expected, from, end);
      if (at !== -1) return { at, fuzz };
    }
    return undefined;
  }

  *findAtEnd(expected: readonly string[], from: number): Generator<void, HunkMatch | undefined> {
    // A line end at the end of the text does not begin another line.
    const end = this.lines.at(-1) === '' ? this.lines.length - 1 : this.lines.length;
    const found = yield* this.find(expected, Math.max(from, end - expected.length), end);
    if (found) return found;
    const elsewhere = yield* this.find(expected, from);
    return elsewhere && { at: elsewhere.at, fuzz: elsewhere.fuzz + FUZZ_NOT_AT_END };
  }
}

/** The changes of a hunk that matches at a line: removed and added lines, without context lines. */
function splicesOf(hunk: readonly HunkLine[], at: number, offsets: LineOffsets): Splice[] {
  const splices: Splice[] = [];
  let line = at;
  let first = at;
  let added: string[] = [];
  const flush = (): void => {
    if (line > first || added.length > 0) splices.push(offsets.splice(first, line, added));
    added = [];
  };
  for (const { kind, text } of hunk) {
    if (kind === '+') added.push(text);
    else {
      if (kind === ' ') {
        flush();
        first = line + 1;
      }
      line++;
    }
  }
  flush();
  return splices;
}

/** Maps line numbers to offsets in a text. */
class LineOffsets {
  private readonly starts: number[] = [];
  private readonly length: number;

  constructor(lines: readonly string[]) {
    let start = 0;
    for (const line of lines) {
      this.starts.push(start);
      start += line.length + 1;
    }
    this.length = start - 1;
  }

  /** Replaces the lines from `first` up to `end` (exclusive). */
  splice(first: number, end: number, added: readonly string[]): Splice {
    const start = this.starts[first] ?? this.length;
    const stop = this.starts[end];
    if (stop !== undefined) {
      return { start, end: stop, replacement: added.map((line) => `${line}\n`).join('') };
    }
    // The last line has no line end: lines appended behind it add one, and removing it removes the one
    // before.
    const text = added.join('\n');
    if (first >= this.starts.length) {
      return { start: this.length, end: this.length, replacement: `\n${text}` };
    }
    if (added.length > 0) return { start, end: this.length, replacement: text };
    return { start: Math.max(0, start - 1), end: this.length, replacement: '' };
  }
}
