const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Bounds of a JSON text. */
export interface JsonBounds {
  /** Values, containers included. */
  values: number;
  /** Levels of containers. */
  depth: number;
}

/**
 * Bounds of JSON from clients. `JSON.parse` cannot be interrupted: it takes up to 10 ms for 25,000 values and
 * up to 700 ms for a million, and validation follows. Requests of real clients have some thousand values. The
 * depth bounds the stack of recursive functions.
 */
const CLIENT_JSON_BOUNDS: JsonBounds = { values: 25_000, depth: 128 };

/** A JSON text exceeds a bound, which the message names. */
export class JsonBoundsError extends Error {
  override readonly name = 'JsonBoundsError';
}

/**
 * Counts values and levels of JSON that arrives in pieces of UTF-8, before it is parsed. Accepts any bytes:
 * the parser reports those that are not JSON.
 */
export class JsonSize {
  /** The document itself, one value for each comma, and the first value of each container. */
  private values = 1;
  private depth = 0;
  /** A container was opened and nothing has followed: it may be empty. */
  private isOpening = false;
  private inString = false;
  /** The previous piece ended with a backslash that escapes the first byte of the next. */
  private isEscaped = false;

  constructor(private readonly bounds: JsonBounds = CLIENT_JSON_BOUNDS) {}

  /** Values so far. */
  get count(): number {
    return this.isOpening ? this.values - 1 : this.values;
  }

  /** @throws JsonBoundsError as soon as a bound is exceeded */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;)
      at = this.inString ? this.passString(bytes, at) : this.countUntilString(bytes, at);
    if (this.count > this.bounds.values) throw new JsonBoundsError(`More than ${this.bounds.values} values`);
  }

  /** Counts up to the quote that begins a string. @returns the position after it */
  private countUntilString(bytes: Buffer, from: number): number {
    let { values, depth, isOpening } = this;
    let at = from;
    for (; at < bytes.length && bytes[at] !== QUOTE; at += 1) {
      const byte = bytes[at] ?? SPACE;
      if (byte <= SPACE) continue;
      const isClosing = byte === CLOSE_BRACKET || byte === CLOSE_BRACE;
      if (isClosing) depth -= 1;
      if (isClosing && isOpening) values -= 1;
      isOpening = byte === OPEN_BRACKET || byte === OPEN_BRACE;
      if (isOpening) depth += 1;
      if (isOpening || byte === COMMA) values += 1;
      if (depth > this.bounds.depth)
        throw new JsonBoundsError(`Nested more than ${this.bounds.depth} levels deep`);
    }
    this.inString = at < bytes.length;
    this.values = values;
    this.depth = depth;
    this.isOpening = isOpening && !this.inString;
    return at + 1;
  }

  /** Skips the rest of a string, to its quote or the end of the piece. @returns the position after it */
  private passString(bytes: Buffer, from: number): number {
    const found = bytes.indexOf(QUOTE, from);
    const end = found < 0 ? bytes.length : found;
    let start = end;
    while (start > from && bytes[start - 1] === BACKSLASH) start -= 1;
    let backslashes = end - start;
    // The first byte of the piece is escaped, even if it is a backslash.
    if (start === from && this.isEscaped) backslashes += 1;
    this.isEscaped = found < 0 && backslashes % 2 === 1;
    this.inString = found < 0 || backslashes % 2 === 1;
    return end + 1;
  }
}
