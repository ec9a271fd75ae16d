import { characterCount } from '../../text/index.js';

/** The text is not valid JSON. The message is that of Python's `json` module, which models know. */
export class JsonDecodeError extends Error {
  override readonly name = 'JsonDecodeError';
}

/** Maximum nesting: far more than any tool needs, and far less than the stack allows. */
const MAX_DEPTH = 200;
/** Maximum number of values, the same as for request bodies: a value takes far more memory than its text. */
const MAX_VALUES = 25_000;
/** Maximum length (characters): four times what fits into the longest answer of a model. */
const MAX_LENGTH = 2 * 1024 * 1024;

/**
 * Parses JSON as models write it: raw control characters inside strings are accepted.
 * @throws JsonDecodeError with the position of the first error
 */
export function decodeJson(text: string): unknown {
  if (text.length > MAX_LENGTH) throw new JsonDecodeError(`More than ${MAX_LENGTH} characters`);
  const decoder = new JsonDecoder(text);
  const value = decoder.value(decoder.skipSpace(0), 0);
  const end = decoder.skipSpace(decoder.position);
  if (end < text.length) throw decoder.error('Extra data', end);
  return value;
}

/**
 * Parses the JSON value at the start of the text and ignores what follows it.
 * @throws JsonDecodeError if the text does not start with a value
 */
export function decodeJsonPrefix(text: string): unknown {
  const decoder = new JsonDecoder(text);
  return decoder.value(decoder.skipSpace(0), 0);
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const UNESCAPED = /[^"\\]*/y;
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
  position = 0;
  private values = 0;

  constructor(private readonly text: string) {}

  value(at: number, depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.error('Nested too deeply', at);
    if ((this.values += 1) > MAX_VALUES) throw this.error('Too many values', at);
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

  skipSpace(at: number): number {
    let next = at;
    while (' \t\n\r'.includes(this.text[next] ?? 'x')) next += 1;
    return next;
  }

  /** Positions count characters, as in Python, not UTF-16 units. */
  error(message: string, at: number): JsonDecodeError {
    const before = this.text.slice(0, at);
    const lineStart = before.lastIndexOf('\n') + 1;
    const line = before.split('\n').length;
    const column = characterCount(before.slice(lineStart)) + 1;
    return new JsonDecodeError(`${message}: line ${line} column ${column} (char ${characterCount(before)})`);
  }

  private number(at: number): number {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(this.text);
    if (!match) throw this.error('Expecting value', at);
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
      if (this.text[at] !== ',') throw this.error("Expecting ',' delimiter", at);
      const comma = at;
      at = this.skipSpace(at + 1);
      if (this.text[at] === ']') throw this.error('Illegal trailing comma before end of array', comma);
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
      if (this.text[at] !== '"') throw this.error('Expecting property name enclosed in double quotes', at);
      const key = this.string(at);
      at = this.skipSpace(this.position);
      if (this.text[at] !== ':') throw this.error("Expecting ':' delimiter", at);
      fields.push([key, this.value(this.skipSpace(at + 1), depth + 1)]);
      at = this.skipSpace(this.position);
      if (this.text[at] === '}') break;
      if (this.text[at] !== ',') throw this.error("Expecting ',' delimiter", at);
      const comma = at;
      at = this.skipSpace(at + 1);
      if (this.text[at] === '}') throw this.error('Illegal trailing comma before end of object', comma);
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
      if (next >= this.text.length) throw this.error('Unterminated string starting at', start);
      if (this.text[next] === '"') {
        this.position = next + 1;
        return result;
      }
      const escape = this.text[next + 1];
      if (escape === undefined) throw this.error('Unterminated string starting at', start);
      if (escape === 'u') {
        result += this.unicodeEscape(next + 1);
        at = next + 6;
        continue;
      }
      const char = ESCAPES.get(escape);
      if (char === undefined) throw this.error('Invalid \\escape', next);
      result += char;
      at = next + 2;
    }
  }

  /** The end of the characters that need no decoding. */
  private unescapedEnd(at: number): number {
    UNESCAPED.lastIndex = at;
    UNESCAPED.exec(this.text);
    return UNESCAPED.lastIndex;
  }

  private unicodeEscape(at: number): string {
    const digits = this.text.slice(at + 1, at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.error('Invalid \\uXXXX escape', at);
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}
