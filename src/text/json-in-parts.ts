import { randomUUID } from 'node:crypto';

/** A string from this length on is read on its own (UTF-16 units); it is looked for in the value afterwards, which takes time too. */
const LONG = 64 * 1024;

/** Stands for a string that was read on its own; nobody else can know it. */
const MARK = `${randomUUID()}-`;

/**
 * Reads JSON that is there in parts, one for each `yield`: ten megabytes in one piece hold everything up for 20 ms, or for 60 with
 * characters that are not Latin ones. Long strings that go over the end of a part are read part by part, on their own; the rest, which is
 * short in all large JSON that people send, in one piece at the end.
 * @param parts as `JSON.parse` would get them joined, each of whole characters
 * @throws SyntaxError as `JSON.parse` does
 */
export function* parseInParts(parts: readonly string[]): Generator<void, unknown> {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return JSON.parse(only) as unknown;
  const lifting = new Lifting();
  try {
    for (const part of parts) {
      lifting.read(part);
      yield;
    }
    const { outline, strings } = lifting.end();
    const value = { root: JSON.parse(outline) as unknown };
    if (strings.length === 0 || putBack(value, strings) === strings.length) return value.root;
  } catch (error) {
    // What is wrong in a part has its place in the whole.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return JSON.parse(parts.join('')) as unknown;
}

/** Divides JSON into long strings that go over the end of a part, and the outline: all else, with a mark for each of them. */
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
    /** From here on nothing is in the outline yet. */
    let from = 0;
    let at = 0;
    if (this.open) {
      const end = endOfString(part, 0);
      if (!end.isClosed) return this.goOn(part.slice(0, end.at), part.slice(end.at));
      this.close(part.slice(0, end.at));
      from = at = end.at + 1;
    }
    for (let quote = part.indexOf('"', at); quote >= 0; quote = part.indexOf('"', at)) {
      const end = endOfString(part, quote + 1);
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

/**
 * Where a string ends: at its quote, or where the part ends or an escape that is not complete begins.
 * @param at behind its first quote
 */
function endOfString(part: string, at: number): { at: number; isClosed: boolean } {
  let escape = part.indexOf('\\', at);
  for (;;) {
    const quote = part.indexOf('"', at);
    while (escape >= 0 && (quote < 0 || escape < quote)) {
      const isLong = part[escape + 1] === 'u';
      if (escape + (isLong ? LONGEST_ESCAPE : 2) > part.length) return { at: escape, isClosed: false };
      at = escape + 2;
      escape = part.indexOf('\\', at);
      // The quote was an escaped one.
      if (quote >= 0 && at > quote) break;
    }
    if (quote >= at) return { at: quote, isClosed: true };
    if (quote < 0) return { at: part.length, isClosed: false };
  }
}

/** Puts strings where their marks are; returns how many it put. Those of keys, and of keys that come twice, have no place. */
function putBack(value: { root: unknown }, strings: readonly string[]): number {
  let count = 0;
  const open: object[] = [value];
  for (let container = open.pop(); container; container = open.pop()) {
    for (const [key, child] of Object.entries(container)) {
      if (typeof child === 'object' && child !== null) open.push(child as object);
      if (typeof child !== 'string' || !child.startsWith(MARK)) continue;
      // Not an assignment: the key may be `__proto__`.
      Object.defineProperty(container, key, { value: strings[Number(child.slice(MARK.length))] });
      count += 1;
    }
  }
  return count;
}
