/** Where a secret stands in a text. */
export interface Found {
  start: number;
  /** Behind its last character. */
  end: number;
}

/** Longer expressions are left to the table: V8 refuses one of some 40,000 characters, and a file with keys in it may have as many. */
const MAX_EXPRESSION = 4_000;
/** So many characters at the beginning of a secret are looked up, if none is shorter. */
const MAX_HEAD = 6;
const BUCKETS = 1 << 16;
const BASE = 31;

/** Finds secrets in texts: the first one, and of those that begin in the same place the longest. */
export class SecretSearch {
  /** The longest first: one may be the beginning of another. */
  private readonly secrets: readonly Secret[];
  private readonly expression: RegExp | undefined;
  private readonly table: HeadTable | undefined;

  /** @param values none of them empty */
  constructor(values: Iterable<string>) {
    this.secrets = [...values].sort((a, b) => b.length - a.length).map((value) => new Secret(value));
    if (this.secrets.length === 0) return;
    const source = this.secrets.map(({ value }) => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
    if (source.length <= MAX_EXPRESSION) this.expression = new RegExp(source, 'g');
    else this.table = new HeadTable(this.secrets);
  }

  /** The first secret from here on. */
  next(text: string, at: number): Found | undefined {
    const { expression } = this;
    if (!expression) return this.table?.next(text, at);
    expression.lastIndex = at;
    const match = expression.exec(text);
    return match ? { start: match.index, end: match.index + match[0].length } : undefined;
  }

  /** Where the text ends in something that a secret begins with; the length of the text when nowhere. */
  openFrom(text: string, at: number): number {
    let longest = 0;
    for (const secret of this.secrets) longest = Math.max(longest, secret.beginningAtEnd(text, at));
    return text.length - longest;
  }
}

/** Secrets by what they begin with: a text is gone through once, however many they are and however long. */
class HeadTable {
  private readonly head: number;
  private readonly byHead = new Map<string, string[]>();
  /** Which heads there are, by their hash: it answers nearly all questions. */
  private readonly heads = new Uint8Array(BUCKETS);
  /** By which the character that leaves a head counts in its hash, which is a rolling one. */
  private weight = 1;

  /** @param secrets the longest first, at least one */
  constructor(secrets: readonly Secret[]) {
    this.head = Math.min(MAX_HEAD, secrets.at(-1)?.value.length ?? MAX_HEAD);
    for (const { value } of secrets) {
      const head = value.slice(0, this.head);
      const known = this.byHead.get(head);
      if (known) known.push(value);
      else this.byHead.set(head, [value]);
      this.heads[this.hashAt(value, 0) & (BUCKETS - 1)] = 1;
    }
    for (let index = 0; index < this.head; index += 1) this.weight = Math.imul(this.weight, BASE);
  }

  next(text: string, at: number): Found | undefined {
    const last = text.length - this.head;
    if (at > last) return undefined;
    for (let start = at, hash = this.hashAt(text, at); start <= last; start += 1) {
      if (this.heads[hash & (BUCKETS - 1)] === 1) {
        const value = this.longestAt(text, start);
        if (value !== undefined) return { start, end: start + value.length };
      }
      const leaving = Math.imul(text.charCodeAt(start), this.weight);
      hash = (Math.imul(hash, BASE) + text.charCodeAt(start + this.head) - leaving) | 0;
    }
    return undefined;
  }

  private longestAt(text: string, start: number): string | undefined {
    const candidates = this.byHead.get(text.slice(start, start + this.head));
    return candidates?.find((candidate) => text.startsWith(candidate, start));
  }

  private hashAt(text: string, start: number): number {
    let hash = 0;
    for (let at = start; at < start + this.head; at += 1)
      hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0;
    return hash;
  }
}

class Secret {
  private borders: Int32Array | undefined;

  constructor(readonly value: string) {}

  /**
   * How many characters at the end of a text this begins with, but never all of it. By Knuth, Morris and Pratt: what repeats itself
   * would otherwise cost its square with each piece of a stream.
   * @param at what stands before is no part of it
   */
  beginningAtEnd(text: string, at: number): number {
    const { value } = this;
    const from = Math.max(at, text.length - value.length + 1);
    if (from >= text.length) return 0;
    const borders = (this.borders ??= bordersOf(value));
    let length = 0;
    for (let index = from; index < text.length; index += 1)
      length = longerBy(text[index], value, length, borders);
    return length;
  }
}

/** For each beginning of a value: how long a beginning of it is its end, too. */
function bordersOf(value: string): Int32Array {
  const borders = new Int32Array(value.length);
  let length = 0;
  for (let index = 1; index < value.length; index += 1) {
    length = longerBy(value[index], value, length, borders);
    borders[index] = length;
  }
  return borders;
}

/** How much of a value is at the end of a text when a character comes behind so much of it. */
function longerBy(character: string | undefined, value: string, before: number, borders: Int32Array): number {
  let length = before;
  while (length > 0 && value[length] !== character) length = borders[length - 1] ?? 0;
  return value[length] === character ? length + 1 : length;
}
