/** A range of a text and its replacement. */
export interface Splice {
  start: number;
  end: number;
  replacement: string;
}

/**
 * The text of a file, together with a normalised form in which every line ends with `\n`, as models see it.
 * Offsets refer to the normalised text. In the file, untouched lines keep their line ends and new lines get
 * the most frequent one.
 */
export class SourceText {
  /** The normalised text. */
  readonly text: string;
  /** Offsets in `text` of line ends that are `\r\n` in the file, ascending. */
  private readonly crlfOffsets: number[] = [];

  constructor(readonly raw: string) {
    this.text = normaliseLineEnds(raw);
    for (let at = raw.indexOf('\r\n'); at !== -1; at = raw.indexOf('\r\n', at + 2)) {
      this.crlfOffsets.push(at - this.crlfOffsets.length);
    }
  }

  /** The lines without line ends. A line end at the end of the text does not begin another line. */
  get lines(): string[] {
    return splitLines(this.text);
  }

  /** Replaces `text.slice(start, end)`. */
  splice(start: number, end: number, replacement: string): SourceText {
    return this.spliceAll([{ start, end, replacement }]);
  }

  /** Replaces several ranges, which must be ascending and must not overlap. */
  spliceAll(splices: readonly Splice[]): SourceText {
    const starts = [...splices.map(({ start }) => this.rawOffset(start)), this.raw.length];
    const ends = [0, ...splices.map(({ end }) => this.rawOffset(end))];
    const lineEnd = this.mostFrequentLineEnd();
    const added = splices.map(({ replacement }) =>
      // Without a line end in the file, the replacement keeps its own.
      lineEnd === undefined ? replacement : replacement.replaceAll('\r\n', '\n').replaceAll('\n', lineEnd),
    );
    const parts = ends.map((end, index) => this.raw.slice(end, starts[index]) + (added[index] ?? ''));
    return new SourceText(parts.join(''));
  }

  private rawOffset(offset: number): number {
    return offset + lowerBound(this.crlfOffsets, offset);
  }

  /** The most frequent line end of the file; undefined if it has none. */
  private mostFrequentLineEnd(): string | undefined {
    const total = this.text.split('\n').length - 1;
    if (total === 0) return undefined;
    const single = this.raw.split('\r').length - 1 - this.crlfOffsets.length;
    if (this.crlfOffsets.length > total / 2) return '\r\n';
    return single > total / 2 ? '\r' : '\n';
  }
}

/** Converts all line ends to `\n`. */
export function normaliseLineEnds(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n');
}

/** The lines of a normalised text without line ends; none if it is empty. */
export function splitLines(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

/** How many of the ascending numbers are less than the limit (binary search). */
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
