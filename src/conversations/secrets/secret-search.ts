import { SecretTable } from './secret-table.js';

/** Where a secret stands in a text. */
export interface Found {
  start: number;
  /** Behind its last character. */
  end: number;
}

/** Finds some of the secrets. */
export interface Finder {
  /** The first one from here on, and of those that begin there the longest. */
  next(text: string, at: number): Found | undefined;
  /** Where the text ends in something that one of them begins with; the length of the text when nowhere. */
  openFrom(text: string, at: number): number;
}

/** Longer secrets are few, and are looked for one by one. */
const LONG = 1024;
/** What begins with so many characters that are looked up, and what is shorter. */
const HEAD = 6;
/** A longer expression is left to tables: V8 refuses one of some 30,000 characters, and a file with keys in it may have as many. */
const MAX_EXPRESSION = 10_000;

/** Finds secrets in texts, any number of them, of any length: the first one, and of those that begin in the same place the longest. */
export class SecretSearch {
  private readonly finders: readonly Finder[];

  /** @param values empty ones are passed over */
  constructor(values: Iterable<string>) {
    // The longest first: of what begins in one place an expression takes the first.
    const all = [...values].filter((value) => value !== '').sort((a, b) => b.length - a.length);
    const long = all.filter(({ length }) => length > LONG).map((value) => new LongSecret(value));
    const short = all.filter(({ length }) => length <= LONG);
    this.finders = [...long, ...findersOf(short)];
  }

  /** Looks for all of them in one text. */
  in(text: string): Hits {
    return new Hits(this.finders, text);
  }
}

/** The secrets in one text, from its front to its end. */
export class Hits {
  /** What each finder has found last; null: nothing more. */
  private readonly found: (Found | null | undefined)[] = [];
  private open = -1;

  constructor(
    private readonly finders: readonly Finder[],
    private readonly text: string,
  ) {}

  /** The first secret from here on. @param at never before that of the last call */
  next(at: number): Found | undefined {
    let first: Found | undefined;
    for (const [index, finder] of this.finders.entries()) {
      let found = this.found[index];
      if (found === undefined || (found && found.start < at))
        this.found[index] = found = finder.next(this.text, at) ?? null;
      if (
        found &&
        (!first || found.start < first.start || (found.start === first.start && found.end > first.end))
      )
        first = found;
    }
    return first;
  }

  /** Where the text ends in something that a secret begins with; its length when nowhere. @param at as for `next` */
  openFrom(at: number): number {
    // The first place is that until it is passed.
    if (this.open < at)
      this.open = this.finders.reduce(
        (first, finder) => Math.min(first, finder.openFrom(this.text, at)),
        this.text.length,
      );
    return this.open;
  }
}

function findersOf(secrets: readonly string[]): Finder[] {
  if (secrets.length === 0) return [];
  const words = secrets.filter(({ length }) => length >= HEAD);
  const scraps = secrets.filter(({ length }) => length < HEAD);
  const tables = (): SecretTable[] => [
    ...(words.length > 0 ? [new SecretTable(words, HEAD)] : []),
    ...(scraps.length > 0 ? [new SecretTable(scraps, scraps.at(-1)?.length ?? 1)] : []),
  ];
  const source = secrets.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  return source.length <= MAX_EXPRESSION ? [new Expression(source, tables)] : tables();
}

/** A few secrets: V8 finds them faster than anybody else. */
class Expression implements Finder {
  private readonly expression: RegExp;
  private made: readonly SecretTable[] | undefined;

  /**
   * @param source the longest first
   * @param tables makes those that know beginnings; only streams ask for them
   */
  constructor(
    source: string,
    private readonly tables: () => readonly SecretTable[],
  ) {
    this.expression = new RegExp(source, 'g');
  }

  next(text: string, at: number): Found | undefined {
    this.expression.lastIndex = at;
    const match = this.expression.exec(text);
    return match ? { start: match.index, end: match.index + match[0].length } : undefined;
  }

  openFrom(text: string, at: number): number {
    this.made ??= this.tables();
    return this.made.reduce((first, table) => Math.min(first, table.openFrom(text, at)), text.length);
  }
}

class LongSecret implements Finder {
  private borders: Int32Array | undefined;

  constructor(private readonly value: string) {}

  next(text: string, at: number): Found | undefined {
    const start = text.indexOf(this.value, at);
    return start < 0 ? undefined : { start, end: start + this.value.length };
  }

  /** By Knuth, Morris and Pratt: what repeats itself would otherwise cost its square with each piece of a stream. */
  openFrom(text: string, at: number): number {
    const { value } = this;
    const from = Math.max(at, text.length - value.length + 1);
    if (from >= text.length) return text.length;
    const borders = (this.borders ??= bordersOf(value));
    let length = 0;
    for (let index = from; index < text.length; index += 1)
      length = longerBy(text.charCodeAt(index), value, length, borders);
    return text.length - length;
  }
}

/** For each beginning of a value: how long a beginning of it is its end, too. */
function bordersOf(value: string): Int32Array {
  const borders = new Int32Array(value.length);
  let length = 0;
  for (let index = 1; index < value.length; index += 1) {
    length = longerBy(value.charCodeAt(index), value, length, borders);
    borders[index] = length;
  }
  return borders;
}

/** How much of a value is at the end of a text when a character comes behind so much of it. */
function longerBy(character: number, value: string, before: number, borders: Int32Array): number {
  let length = before;
  while (length > 0 && value.charCodeAt(length) !== character) length = borders[length - 1] ?? 0;
  return value.charCodeAt(length) === character ? length + 1 : length;
}
