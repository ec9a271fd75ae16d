import type { SourceText, Splice } from '../text-files/source-text.js';
import { ComparisonBudget, NumberedLines } from './numbered-lines.js';
import type { Hunk, HunkLine } from './parse-patch.js';
import { PatchError } from './patch-error.js';

/** How a line of a hunk and one of the file are compared, and what it counts when they are equal only so. */
const COMPARISONS: readonly { fuzz: number; of: (line: string) => string }[] = [
  { fuzz: 0, of: (line) => line },
  { fuzz: 1, of: (line) => line.trimEnd() },
  { fuzz: 100, of: (line) => line.trim() },
];
/** What it counts when a hunk for the end of a file fits only elsewhere. */
const NOT_AT_END = 10_000;

/**
 * Applies hunks to a text, one below the other. Lines that stay are kept as the file has them. Works in
 * parts, because a model may want thousands of hunks in a file of a million lines.
 * @throws PatchError when one does not fit
 */
export function* applyHunks(
  source: SourceText,
  hunks: readonly Hunk[],
): Generator<void, { edited: SourceText; fuzz: number }> {
  const lines = source.text.split('\n');
  const finder = new HunkFinder(lines);
  const places = new LinePlaces(lines);
  const splices: Splice[] = [];
  let from = 0;
  let fuzz = 0;
  for (const hunk of hunks) {
    for (const anchor of hunk.anchors) {
      from = yield* finder.below(anchor, from);
      yield;
    }
    const expected = hunk.lines.filter(({ kind }) => kind !== '+').map(({ text }) => text);
    const found = yield* hunk.atEnd ? finder.findAtEnd(expected, from) : finder.find(expected, from);
    if (!found) {
      throw new PatchError(`Invalid${hunk.atEnd ? ' EOF' : ''} Context ${from}:\n${expected.join('\n')}`);
    }
    for (const splice of splicesOf(hunk.lines, found.at, places)) splices.push(splice);
    from = found.at + expected.length;
    fuzz += found.fuzz;
    yield;
  }
  return { edited: source.spliceAll(splices), fuzz };
}

interface Found {
  at: number;
  fuzz: number;
}

/** Finds lines of a patch in a text: exactly, or else with other space around them. */
class HunkFinder {
  private readonly budget = new ComparisonBudget();
  /** By comparison; made when it is needed. */
  private readonly numbered: NumberedLines[] = [];

  constructor(private readonly lines: readonly string[]) {}

  /** The line below an anchor; where we are if there is no such line. */
  *below(anchor: string, from: number): Generator<void, number> {
    const found = yield* this.find([anchor], from);
    return found ? found.at + 1 : from;
  }

  *find(
    expected: readonly string[],
    from: number,
    end = this.lines.length,
  ): Generator<void, Found | undefined> {
    for (const [index, { fuzz, of }] of COMPARISONS.entries()) {
      const numbered = (this.numbered[index] ??= yield* NumberedLines.of(this.lines, of, this.budget));
      const at = yield* numbered.find(expected, from, end);
      if (at !== -1) return { at, fuzz };
    }
    return undefined;
  }

  *findAtEnd(expected: readonly string[], from: number): Generator<void, Found | undefined> {
    // The end of the last line is no line.
    const end = this.lines.at(-1) === '' ? this.lines.length - 1 : this.lines.length;
    const found = yield* this.find(expected, Math.max(from, end - expected.length), end);
    if (found) return found;
    const elsewhere = yield* this.find(expected, from);
    return elsewhere && { at: elsewhere.at, fuzz: elsewhere.fuzz + NOT_AT_END };
  }
}

/** The changes of a hunk that fits at a line: those lines that go or come, without the ones that stay. */
function splicesOf(hunk: readonly HunkLine[], at: number, places: LinePlaces): Splice[] {
  const splices: Splice[] = [];
  let line = at;
  let first = at;
  let added: string[] = [];
  const flush = (): void => {
    if (line > first || added.length > 0) splices.push(places.splice(first, line, added));
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

/** Where the lines of a text are, so that lines can be replaced in it. */
class LinePlaces {
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

  /** The lines from `first` up to `end` give way to others. */
  splice(first: number, end: number, added: readonly string[]): Splice {
    const start = this.starts[first] ?? this.length;
    const stop = this.starts[end];
    if (stop !== undefined) {
      return { start, end: stop, replacement: added.map((line) => `${line}\n`).join('') };
    }
    // The last line has no end of its own: what comes behind it brings one, and it takes one along when it
    // goes.
    const text = added.join('\n');
    if (first >= this.starts.length) {
      return { start: this.length, end: this.length, replacement: `\n${text}` };
    }
    if (added.length > 0) return { start, end: this.length, replacement: text };
    return { start: Math.max(0, start - 1), end: this.length, replacement: '' };
  }
}
