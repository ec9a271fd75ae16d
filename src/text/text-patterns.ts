/** A pattern in a text. */
export interface PatternMatch {
  start: number;
  /** Behind its last character. */
  end: number;
}

/**
 * Up to so many beginnings of patterns are looked for by a regular expression, which V8 does at a gigabyte a
 * second.
 */
const MAX_HEADS = 16;
/**
 * The length of such a beginning (UTF-16 units): with their number it bounds what an expression does for one
 * unit.
 */
const HEAD_LENGTH = 8;

/**
 * Finds any number of patterns in texts by the automaton of Aho and Corasick: building it takes time and
 * memory by the sum of their lengths (about 22 bytes a UTF-16 unit), a search time by the length of the text,
 * whatever the patterns are.
 */
export class TextPatterns {
  /** Reads texts backwards: what it has read last is where patterns begin. */
  private backwards: Automaton | undefined;
  /** Reads texts forwards: what it has read last may be the beginning of patterns. Only streams need it. */
  private forwards: Automaton | undefined;
  private readonly patterns: readonly string[];
  /** Finds where the first one may be; undefined for too many of them. */
  private readonly heads: RegExp | undefined;
  /** The length of the longest (UTF-16 units). */
  readonly longest: number;

  /** @param patterns empty ones are passed over */
  constructor(patterns: Iterable<string>) {
    this.patterns = [...new Set(patterns)].filter((pattern) => pattern !== '');
    this.longest = this.patterns.reduce((most, { length }) => Math.max(most, length), 0);
    const heads = new Set(this.patterns.map((pattern) => pattern.slice(0, HEAD_LENGTH)));
    const isFew = heads.size > 0 && heads.size <= MAX_HEADS;
    this.heads = isFew ? new RegExp([...heads].map(escaped).join('|')) : undefined;
  }

  /**
   * The first match, and of those that begin there the longest; then the same behind it, and so on to the
   * end.
   */
  find(text: string): PatternMatch[] {
    const found: PatternMatch[] = [];
    let at = 0;
    for (const match of this.longestOfEach(text)) {
      if (match.start < at) continue;
      found.push(match);
      at = match.end;
    }
    return found;
  }

  /** The stretches of a text that patterns cover, also where they overlap. */
  cover(text: string): PatternMatch[] {
    const covered: PatternMatch[] = [];
    for (const match of this.longestOfEach(text)) addRange(covered, match);
    return covered;
  }

  /** For each place where patterns begin the longest of them, from the front. */
  private *longestOfEach(text: string): Generator<PatternMatch> {
    if (this.longest === 0) return;
    const from = this.heads ? text.search(this.heads) : 0;
    if (from < 0) return;
    this.backwards ??= new Automaton(this.patterns, true);
    const { starts, ends } = this.backwards.matchesFromTheEnd(text, from);
    for (let index = starts.length - 1; index >= 0; index -= 1) {
      yield { start: starts[index] ?? 0, end: ends[index] ?? 0 };
    }
  }

  /**
   * Where the ends of a text begin that patterns begin with and go on behind, from the longest end to the
   * shortest.
   */
  openEnds(text: string): number[] {
    if (this.longest === 0) return [];
    this.forwards ??= new Automaton(this.patterns, false);
    return this.forwards.openEnds(text, Math.max(0, text.length - this.longest + 1));
  }
}

/**
 * Adds a stretch that begins behind the beginnings of all others: it makes one with the last where they meet.
 */
export function addRange(ranges: PatternMatch[], { start, end }: PatternMatch): void {
  const last = ranges.at(-1);
  if (last === undefined || start > last.end) ranges.push({ start, end });
  else last.end = Math.max(last.end, end);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function hashOf(first: number, second: number): number {
  return ((first << 6) ^ second) & (HASHES - 1);
}

const ROOT = 0;
const NONE = -1;
const UNITS = 1 << 16;
const HASHES = 1 << 13;

/** A trie of patterns in which each node knows the longest other beginning of a pattern that it ends in. */
class Automaton {
  private size = 1;
  private unit = new Uint16Array(64);
  private depth = new Int32Array(64);
  /** The child that came first; nearly all nodes have no other. */
  private child = new Int32Array(64).fill(NONE);
  private sibling = new Int32Array(64).fill(NONE);
  /** The other children, by node and unit. */
  private readonly others = new Map<number, number>();
  /** The length of the longest pattern that a node ends in; 0 for none. */
  private pattern = new Int32Array(64);
  private fallback = new Int32Array(0);
  /** The length of the shortest pattern is 1, or not. */
  private hasUnits = false;
  /** What two units patterns begin with, by a hash of them: nearly no two of a text. */
  private readonly begins = new Uint8Array(HASHES);

  /** @param isReversed it reads patterns from their last unit to their first */
  constructor(patterns: readonly string[], isReversed: boolean) {
    for (const pattern of patterns) this.add(pattern, isReversed);
    this.link();
  }

  private add(pattern: string, isReversed: boolean): void {
    let node = ROOT;
    for (let index = 0; index < pattern.length; index += 1) {
      const unit = pattern.charCodeAt(isReversed ? pattern.length - 1 - index : index);
      const next = this.next(node, unit);
      node = next === NONE ? this.grow(node, unit) : next;
    }
    this.pattern[node] = pattern.length;
    const [first, second] = isReversed ? [pattern.length - 1, pattern.length - 2] : [0, 1];
    if (pattern.length > 1) this.begins[hashOf(pattern.charCodeAt(first), pattern.charCodeAt(second))] = 1;
    else this.hasUnits = true;
  }

  /** Tells each node what it falls back to: breadth first, because that is less deep. */
  private link(): void {
    const { child, sibling, unit, pattern } = this;
    const fallback = (this.fallback = new Int32Array(this.size));
    const queue = new Int32Array(this.size);
    let filled = 1;
    for (let index = 0; index < filled; index += 1) {
      const node = queue[index] ?? ROOT;
      for (let next = child[node] ?? NONE; next !== NONE; next = sibling[next] ?? NONE) {
        queue[filled++] = next;
        const to = node === ROOT ? ROOT : this.step(fallback[node] ?? ROOT, unit[next] ?? 0);
        fallback[next] = to;
        if (pattern[next] === 0) pattern[next] = pattern[to] ?? 0;
      }
    }
  }

  /**
   * Of an automaton of reversed patterns: each place where one begins, from the last, with the end of the
   * longest.
   * @param from nothing begins before
   */
  matchesFromTheEnd(text: string, from: number): { starts: number[]; ends: number[] } {
    const { begins, pattern, hasUnits } = this;
    const starts: number[] = [];
    const ends: number[] = [];
    let node = ROOT;
    for (let at = text.length - 1; at >= from; at -= 1) {
      const unit = text.charCodeAt(at);
      if (node === ROOT && !hasUnits && (at === from || begins[hashOf(unit, text.charCodeAt(at - 1))] === 0))
        continue;
      node = this.step(node, unit);
      const length = pattern[node] ?? 0;
      if (length === 0) continue;
      starts.push(at);
      ends.push(at + length);
    }
    return { starts, ends };
  }

  /**
   * The places from which a text to its end is a beginning of patterns, but no whole one that nothing goes on
   * from.
   */
  openEnds(text: string, from: number): number[] {
    let node = ROOT;
    for (let at = from; at < text.length; at += 1) node = this.step(node, text.charCodeAt(at));
    const places: number[] = [];
    for (; node !== ROOT; node = this.fallback[node] ?? ROOT) {
      if (this.child[node] !== NONE) places.push(text.length - (this.depth[node] ?? 0));
    }
    return places;
  }

  /** The node behind one more unit. */
  private step(from: number, unit: number): number {
    let node = from;
    let next = this.next(node, unit);
    while (next === NONE && node !== ROOT) {
      node = this.fallback[node] ?? ROOT;
      next = this.next(node, unit);
    }
    return next === NONE ? ROOT : next;
  }

  private next(node: number, unit: number): number {
    const child = this.child[node] ?? NONE;
    if (child === NONE || this.unit[child] === unit) return child;
    if (this.sibling[child] === NONE) return NONE;
    return this.others.get(node * UNITS + unit) ?? NONE;
  }

  private grow(node: number, unit: number): number {
    if (this.size === this.unit.length) this.enlarge();
    const made = this.size++;
    this.unit[made] = unit;
    this.depth[made] = (this.depth[node] ?? 0) + 1;
    const first = this.child[node] ?? NONE;
    if (first === NONE) {
      this.child[node] = made;
      return made;
    }
    this.sibling[made] = this.sibling[first] ?? NONE;
    this.sibling[first] = made;
    this.others.set(node * UNITS + unit, made);
    return made;
  }

  private enlarge(): void {
    const size = this.size * 2;
    const enlarged = <T extends Int32Array | Uint16Array>(larger: T, from: T): T => {
      larger.set(from);
      return larger;
    };
    this.unit = enlarged(new Uint16Array(size), this.unit);
    this.depth = enlarged(new Int32Array(size), this.depth);
    this.pattern = enlarged(new Int32Array(size), this.pattern);
    this.child = enlarged(new Int32Array(size).fill(NONE), this.child);
    this.sibling = enlarged(new Int32Array(size).fill(NONE), this.sibling);
  }
}
