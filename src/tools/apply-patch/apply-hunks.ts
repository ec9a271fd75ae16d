import type { SourceText, Splice } from '../file-editor/source-text.js';
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
 * Applies hunks to a text, one below the other. Lines that stay are kept as the file has them.
 * @throws PatchError when one does not fit
 */
export function applyHunks(source: SourceText, hunks: readonly Hunk[]): { edited: SourceText; fuzz: number } {
  const lines = source.text.split('\n');
  const places = new LinePlaces(lines);
  const splices: Splice[] = [];
  let from = 0;
  let fuzz = 0;
  for (const hunk of hunks) {
    for (const anchor of hunk.anchors) from = below(lines, anchor, from);
    const expected = hunk.lines.filter(({ kind }) => kind !== '+').map(({ text }) => text);
    const found = hunk.atEnd ? findAtEnd(lines, expected, from) : find(lines, expected, from);
    if (!found) {
      throw new PatchError(`Invalid${hunk.atEnd ? ' EOF' : ''} Context ${from}:\n${expected.join('\n')}`);
    }
    splices.push(...splicesOf(hunk.lines, found.at, places));
    from = found.at + expected.length;
    fuzz += found.fuzz;
  }
  return { edited: source.spliceAll(splices), fuzz };
}

/** The line below an anchor; where we are if there is no such line. */
function below(lines: readonly string[], anchor: string, from: number): number {
  for (const { of } of COMPARISONS) {
    const at = lines.findIndex((line, index) => index >= from && of(line) === of(anchor));
    if (at !== -1) return at + 1;
  }
  return from;
}

interface Found {
  at: number;
  fuzz: number;
}

function find(lines: readonly string[], expected: readonly string[], from: number): Found | undefined {
  for (const { fuzz, of } of COMPARISONS) {
    const wanted = expected.map(of);
    for (let at = from; at + wanted.length <= lines.length; at++) {
      if (wanted.every((line, index) => of(lines[at + index] ?? '') === line)) return { at, fuzz };
    }
  }
  return undefined;
}

function findAtEnd(lines: readonly string[], expected: readonly string[], from: number): Found | undefined {
  // The end of the last line is no line.
  const end = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  const found = find(lines.slice(0, end), expected, Math.max(from, end - expected.length));
  if (found) return found;
  const elsewhere = find(lines, expected, from);
  return elsewhere && { at: elsewhere.at, fuzz: elsewhere.fuzz + NOT_AT_END };
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
    // The last line has no end of its own: what comes behind it brings one, and it takes one along when it goes.
    const text = added.join('\n');
    if (first >= this.starts.length) {
      return { start: this.length, end: this.length, replacement: `\n${text}` };
    }
    if (added.length > 0) return { start, end: this.length, replacement: text };
    return { start: Math.max(0, start - 1), end: this.length, replacement: '' };
  }
}
