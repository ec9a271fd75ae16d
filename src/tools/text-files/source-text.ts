/** A part of a text, and what takes its place. */
export interface Splice {
  start: number;
  end: number;
  replacement: string;
}

/**
 * A text as it is in its file, seen with `\n` at the end of every line: so models see and quote it. Changes
 * are made in the seen text and carried over to the stored one, where untouched lines keep the ends that they
 * have and new ones get the ends that the file uses most.
 */
export class SourceText {
  /** With `\n` only. */
  readonly text: string;
  /** Where in `text` the line ends are that are two characters in the file, ascending. */
  private readonly pairs: number[] = [];

  constructor(readonly raw: string) {
    this.text = foldLineEnds(raw);
    for (let at = raw.indexOf('\r\n'); at !== -1; at = raw.indexOf('\r\n', at + 2)) {
      this.pairs.push(at - this.pairs.length);
    }
  }

  /** The lines without their ends; the end of the last one does not begin another. */
  get lines(): string[] {
    return splitLines(this.text);
  }

  /** The text with `replacement` in the place of `text.slice(start, end)`. */
  splice(start: number, end: number, replacement: string): SourceText {
    return this.spliceAll([{ start, end, replacement }]);
  }

  /** The text with replacements in places that are ascending and do not overlap. */
  spliceAll(places: readonly Splice[]): SourceText {
    const starts = [...places.map(({ start }) => this.rawOffset(start)), this.raw.length];
    const ends = [0, ...places.map(({ end }) => this.rawOffset(end))];
    const lineEnd = this.usualEnd();
    const added = places.map(({ replacement }) =>
      // Nothing to go by: the text stays as it was given.
      lineEnd === undefined ? replacement : replacement.replaceAll('\r\n', '\n').replaceAll('\n', lineEnd),
    );
    const parts = ends.map((end, index) => this.raw.slice(end, starts[index]) + (added[index] ?? ''));
    return new SourceText(parts.join(''));
  }

  private rawOffset(offset: number): number {
    return offset + lowerBound(this.pairs, offset);
  }

  /** The line end that the file uses most; undefined when it has none. */
  private usualEnd(): string | undefined {
    const total = this.text.split('\n').length - 1;
    if (total === 0) return undefined;
    const single = this.raw.split('\r').length - 1 - this.pairs.length;
    if (this.pairs.length > total / 2) return '\r\n';
    return single > total / 2 ? '\r' : '\n';
  }
}

/** The text with every kind of line end as `\n`. */
export function foldLineEnds(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n');
}

/** The lines of a text without their ends; none when it is empty. */
export function splitLines(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

/** How many of the ascending numbers are less than the limit. */
function lowerBound(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
