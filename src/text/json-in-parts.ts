import { randomUUID } from 'node:crypto';

/**
 * A string from this length on is read on its own (UTF-16 units); it is looked for in the value afterwards,
 * which takes time too.
 */
const LONG = 64 * 1024;

/** Stands for a string that was read on its own; nobody else can know it. */
const MARK = `${randomUUID()}-`;

/**
 * Reads JSON that is there in parts, one for each `yield`: ten megabytes in one piece hold everything up for
 * 20 ms, or for 60 with characters that are not Latin ones. Long strings that go over the end of a part are
 * read part by part, on their own, and the rest in one piece at the end: what is large in JSON that people
 * send is a long text, or an image.
 * @param parts as `JSON.parse` would get them joined, each of whole characters
 * @throws SyntaxError as `JSON.parse` does
 */
export function* parseInParts(parts: readonly string[]): Generator<void, unknown> {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return JSON.parse(first) as unknown;
  const lifting = new Lifting();
  try {
    for (const part of parts) {
      lifting.read(part);
      yield;
    }
    const { outline, strings } = lifting.end();
    const value = { root: JSON.parse(outline) as unknown };
    if ((yield* putBack(value, strings)) === strings.length) return value.root;
  } catch (error) {
    // What is wrong in a part has its place in the whole.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return JSON.parse(parts.join('')) as unknown;
}

/**
 * Divides JSON into long strings that go over the end of a part, and the outline: all else, with a mark for
 * each of them.
 */
class Lifting {
  private readonly outline: string[] = [];
  private readonly strings: string[] = [];
  /** What there is of a string that has not ended yet. */
  private open: string[] | undefined;
  /** The beginning of an escape whose end is in the next part. */
  private carried = '';

  /** @throws SyntaxError */
  read(next: string): void {
    const part = this.carried + next;
    this.carried = '';
    const strings = new StringEnds(part);
    /** From here on nothing is in the outline yet. */
    let from = 0;
    let at = 0;
    if (this.open) {
      const end = strings.endFrom(0);
      if (!end.isClosed) return this.goOn(part.slice(0, end.at), part.slice(end.at));
      this.close(part.slice(0, end.at));
      from = at = end.at + 1;
    }
    for (let quote = part.indexOf('"', at); quote >= 0; quote = part.indexOf('"', at)) {
      const end = strings.endFrom(quote + 1);
      if (!end.isClosed) {
        this.outline.push(part.slice(from, quote));
        this.open = [];
        return this.goOn(part.slice(quote + 1, end.at), part.slice(end.at));
      }
      at = end.at + 1;
    }
    this.outline.push(part.slice(from));
  }

  /** @throws SyntaxError where a string has no end */
  end(): { outline: string; strings: readonly string[] } {
    if (this.open) throw new SyntaxError('Unterminated string in JSON');
    return { outline: this.outline.join(''), strings: this.strings };
  }

  private goOn(content: string, carried: string): void {
    this.open?.push(unescaped(content));
    this.carried = carried;
  }

  private close(content: string): void {
    const text = [...(this.open ?? []), unescaped(content)].join('');
    this.open = undefined;
    const isLong = text.length >= LONG;
    this.outline.push(isLong ? `"${MARK}${this.strings.push(text) - 1}"` : JSON.stringify(text));
  }
}

/** @throws SyntaxError for control characters and escapes that are none */
function unescaped(content: string): string {
  return JSON.parse(`"${content}"`) as string;
}

/** `\` and `u` and four digits. */
const LONGEST_ESCAPE = 6;

/** Finds the ends of the strings in a part, one after the other: each character is looked at once. */
class StringEnds {
  /** The first backslash that was not passed yet; behind the end where there is none. */
  private escape = -1;

  constructor(private readonly part: string) {
    this.findEscape(0);
  }

  /**
   * Where a string ends: at its quote, or where the part ends or an escape that is not complete begins.
   * @param at behind its first quote
   */
  endFrom(at: number): { at: number; isClosed: boolean } {
    const { part } = this;
    // One that stands outside of all strings is no JSON, which shows at the end.
    if (this.escape < at) this.findEscape(at);
    for (;;) {
      const found = part.indexOf('"', at);
      const quote = found < 0 ? part.length : found;
      while (this.escape < quote) {
        const length = part[this.escape + 1] === 'u' ? LONGEST_ESCAPE : 2;
        if (this.escape + length > part.length) return { at: this.escape, isClosed: false };
        at = this.escape + 2;
        this.findEscape(at);
      }
      if (quote >= at) return { at: quote, isClosed: found >= 0 };
    }
  }

  private findEscape(from: number): void {
    const found = this.part.indexOf('\\', from);
    this.escape = found < 0 ? this.part.length : found;
  }
}

/** An object or an array. */
type Container = Record<string | number, unknown>;

/** So many values are looked at in a part. */
const CHUNK_VALUES = 10_000;

/** The keys of an object, the numbers of an array: a pair for each of a million values would take seconds. */
export function keysOf(container: object): Iterable<string | number> {
  return Array.isArray(container) ? container.keys() : Object.keys(container);
}

/**
 * Puts strings where their marks are; answers how many. Those of keys, and of keys that come twice, have no
 * place.
 */
function* putBack(value: { root: unknown }, strings: readonly string[]): Generator<void, number> {
  let [count, seen] = [0, 0];
  const open: Container[] = [value];
  for (let container = open.pop(); container && count < strings.length; container = open.pop()) {
    for (const key of keysOf(container)) {
      const child = container[key];
      if (typeof child === 'object' && child !== null) open.push(child as Container);
      else if (typeof child === 'string' && child.startsWith(MARK)) {
        container[key] = strings[Number(child.slice(MARK.length))];
        count += 1;
      }
      seen += 1;
      if (seen % CHUNK_VALUES === 0) yield;
    }
  }
  return count;
}
