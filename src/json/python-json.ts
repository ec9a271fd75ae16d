import { characterCount } from '../text/index.js';

/** A text is not JSON. The message is worded as Python's `json` module words it, because models know it. */
export class JsonDecodeError extends Error {
  override readonly name = 'JsonDecodeError';
}

/** Maximum nesting: far more than any tool needs, and far less than the stack allows. */
const MAX_DEPTH = 200;
/** Maximum values of a text by a model, as of a request body: a value takes far more memory than its text. */
const MAX_VALUES = 25_000;
/** Maximum length of a text by a model (characters): four times what fits into its longest answer. */
const MAX_LENGTH = 2 * 1024 * 1024;

/**
 * Parses JSON as models write it: raw control characters in strings are accepted.
 * @throws JsonDecodeError with the position of the first mistake
 */
export function decodeJson(text: string): unknown {
  if (text.length > MAX_LENGTH) throw new JsonDecodeError(`More than ${MAX_LENGTH} characters`);
  return decoding(text, () => new JsonDecoder(text, MODEL_JSON).document());
}

/**
 * Parses the JSON value at the start of a text and ignores what follows it.
 * @throws JsonDecodeError if the text does not start with a value
 */
export function decodeJsonPrefix(text: string): unknown {
  return decoding(text, () => new JsonDecoder(text, MODEL_JSON).prefix());
}

/** Where a text stops being JSON (UTF-16 units), and why. */
interface JsonMistake {
  position: number;
  message: string;
}

/**
 * Where a text stops being JSON and why, in Python's words, which clients of this API know; the messages of
 * `JSON.parse` differ between versions of Node. Only for text that does not parse and whose depth is bounded.
 */
export function explainJsonError(text: string): JsonMistake {
  try {
    new JsonDecoder(text, STRICT_JSON).document();
  } catch (error) {
    if (error instanceof Mistake) return { position: error.position, message: error.message };
    throw error;
  }
  return { position: 0, message: 'Expecting value' };
}

/** A mistake as one text: what it is, line, column and position. Python counts characters. */
export function describeJsonMistake(text: string, { position, message }: JsonMistake): string {
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  const column = characterCount(before.slice(before.lastIndexOf('\n') + 1)) + 1;
  return `${message}: line ${line} column ${column} (char ${characterCount(before)})`;
}

function decoding(text: string, decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Mistake) throw new JsonDecodeError(describeJsonMistake(text, error));
    throw error;
  }
}

/** What a decoder accepts. */
interface Dialect {
  /** Matches the characters of a string that need no decoding. */
  unescaped: RegExp;
  maxValues: number;
}

const MODEL_JSON: Dialect = { unescaped: /[^"\\]*/y, maxValues: MAX_VALUES };
const STRICT_JSON: Dialect = { unescaped: /[^"\\\u0000-\u001f]*/y, maxValues: Infinity };

class Mistake extends Error {
  constructor(
    readonly position: number,
    reason: string,
  ) {
    super(reason);
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const LITERALS = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const ESCAPES = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

class JsonDecoder {
  /** The end of the last value that was parsed. */
  private position = 0;
  private values = 0;

  constructor(
    private readonly text: string,
    private readonly dialect: Dialect,
  ) {}

  /** The value of the whole text. */
  document(): unknown {
    const value = this.prefix();
    const end = this.skipSpace(this.position);
    if (end < this.text.length) throw new Mistake(end, 'Extra data');
    return value;
  }

  /** The value at the start of the text. */
  prefix(): unknown {
    return this.value(this.skipSpace(0), 0);
  }

  private value(at: number, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Mistake(at, 'Nested too deeply');
    if ((this.values += 1) > this.dialect.maxValues) throw new Mistake(at, 'Too many values');
    const char = this.text[at];
    if (char === '"') return this.string(at);
    if (char === '{') return this.object(at, depth);
    if (char === '[') return this.array(at, depth);
    for (const [literal, value] of LITERALS) {
      if (!this.text.startsWith(literal, at)) continue;
      this.position = at + literal.length;
      return value;
    }
    return this.number(at);
  }

  private skipSpace(at: number): number {
    let next = at;
    while (' \t\n\r'.includes(this.text[next] ?? 'x')) next += 1;
    return next;
  }

  private number(at: number): number {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(this.text);
    if (!match) throw new Mistake(at, 'Expecting value');
    this.position = at + match[0].length;
    return Number(match[0]);
  }

  private array(start: number, depth: number): unknown[] {
    const items: unknown[] = [];
    let at = this.skipSpace(start + 1);
    if (this.text[at] === ']') {
      this.position = at + 1;
      return items;
    }
    for (;;) {
      items.push(this.value(at, depth + 1));
      at = this.skipSpace(this.position);
      if (this.text[at] === ']') break;
      if (this.text[at] !== ',') throw new Mistake(at, "Expecting ',' delimiter");
      const comma = at;
      at = this.skipSpace(at + 1);
      if (this.text[at] === ']') throw new Mistake(comma, 'Illegal trailing comma before end of array');
    }
    this.position = at + 1;
    return items;
  }

  private object(start: number, depth: number): Record<string, unknown> {
    const fields: [string, unknown][] = [];
    let at = this.skipSpace(start + 1);
    if (this.text[at] === '}') {
      this.position = at + 1;
      return {};
    }
    for (;;) {
      if (this.text[at] !== '"') throw new Mistake(at, 'Expecting property name enclosed in double quotes');
      const key = this.string(at);
      at = this.skipSpace(this.position);
      if (this.text[at] !== ':') throw new Mistake(at, "Expecting ':' delimiter");
      fields.push([key, this.value(this.skipSpace(at + 1), depth + 1)]);
      at = this.skipSpace(this.position);
      if (this.text[at] === '}') break;
      if (this.text[at] !== ',') throw new Mistake(at, "Expecting ',' delimiter");
      const comma = at;
      at = this.skipSpace(at + 1);
      if (this.text[at] === '}') throw new Mistake(comma, 'Illegal trailing comma before end of object');
    }
    this.position = at + 1;
    // Unlike assignment, fromEntries makes `__proto__` an ordinary field.
    return Object.fromEntries(fields);
  }

  private string(start: number): string {
    let result = '';
    let at = start + 1;
    for (;;) {
      const next = this.unescapedEnd(at);
      result += this.text.slice(at, next);
      if (next >= this.text.length) throw new Mistake(start, 'Unterminated string starting at');
      if (this.text[next] === '"') {
        this.position = next + 1;
        return result;
      }
      if (this.text[next] !== '\\') throw new Mistake(next, 'Invalid control character at');
      const escape = this.text[next + 1];
      if (escape === undefined) throw new Mistake(start, 'Unterminated string starting at');
      if (escape === 'u') {
        result += this.unicodeEscape(next + 1);
        at = next + 6;
        continue;
      }
      const char = ESCAPES.get(escape);
      if (char === undefined) throw new Mistake(next, 'Invalid \\escape');
      result += char;
      at = next + 2;
    }
  }

  /** The end of the characters that need no decoding. */
  private unescapedEnd(at: number): number {
    const { unescaped } = this.dialect;
    unescaped.lastIndex = at;
    unescaped.exec(this.text);
    return unescaped.lastIndex;
  }

  private unicodeEscape(at: number): string {
    const digits = this.text.slice(at + 1, at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Mistake(at, 'Invalid \\uXXXX escape');
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}
