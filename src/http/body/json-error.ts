const ESCAPES = new Set(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Characters of a string that need no escape. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const LITERALS = ['true', 'false', 'null'];

class JsonSyntaxError extends Error {
  constructor(
    readonly position: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Finds the syntax error in a text that is not JSON and describes it as Python's `json` module does, whose
 * messages clients of the original know. V8's own messages lack the position in some versions.
 */
export function explainJsonError(text: string): { position: number; explanation: string } {
  try {
    new Scanner(text).document();
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { position: error.position, explanation: error.message };
    throw error;
  }
  return { position: 0, explanation: 'Expecting value' };
}

/** Scans JSON without recursion, so that nesting cannot overflow the stack. */
class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  document(): never {
    const open: ('{' | '[')[] = [];
    for (;;) {
      this.skip(SPACE);
      const character = this.text[this.at];
      if (character === '{' || character === '[') {
        this.at += 1;
        this.skip(SPACE);
        if (this.text[this.at] !== (character === '{' ? '}' : ']')) {
          open.push(character);
          if (character === '{') this.name();
          continue;
        }
        this.at += 1;
      } else {
        this.scalar();
      }
      this.afterValue(open);
    }
  }

  /** Leaves the containers that end here and stops at the next value. */
  private afterValue(open: ('{' | '[')[]): void {
    for (;;) {
      this.skip(SPACE);
      const container = open.at(-1);
      if (!container) this.fail(this.at, this.at < this.text.length ? 'Extra data' : 'Expecting value');
      const [close, kind] = container === '{' ? ['}', 'object'] : [']', 'array'];
      const character = this.text[this.at];
      if (character === close) {
        this.at += 1;
        open.pop();
        continue;
      }
      if (character !== ',') this.fail(this.at, "Expecting ',' delimiter");
      const comma = this.at;
      this.at += 1;
      this.skip(SPACE);
      if (this.text[this.at] === close) this.fail(comma, `Illegal trailing comma before end of ${kind}`);
      if (container === '{') this.name();
      return;
    }
  }

  private name(): void {
    if (this.text[this.at] !== '"') this.fail(this.at, 'Expecting property name enclosed in double quotes');
    this.string();
    this.skip(SPACE);
    if (this.text[this.at] !== ':') this.fail(this.at, "Expecting ':' delimiter");
    this.at += 1;
  }

  private scalar(): void {
    if (this.text[this.at] === '"') return this.string();
    const literal = LITERALS.find((word) => this.text.startsWith(word, this.at));
    if (literal) this.at += literal.length;
    else if (!this.skip(NUMBER)) this.fail(this.at, 'Expecting value');
  }

  private string(): void {
    const start = this.at;
    for (this.at += 1; ; this.at += 1) {
      this.skip(PLAIN);
      const character = this.text[this.at];
      if (character === '"') break;
      if (character === undefined) this.fail(start, 'Unterminated string starting at');
      if (character === '\\') this.escape(start);
      else this.fail(this.at, 'Invalid control character at');
    }
    this.at += 1;
  }

  private escape(start: number): void {
    const escaped = this.text[this.at + 1];
    if (escaped === undefined) this.fail(start, 'Unterminated string starting at');
    if (escaped === 'u') {
      if (!/^[\da-fA-F]{4}$/.test(this.text.slice(this.at + 2, this.at + 6))) {
        this.fail(this.at + 1, 'Invalid \\uXXXX escape');
      }
      this.at += 5;
      return;
    }
    if (!ESCAPES.has(escaped)) this.fail(this.at, 'Invalid \\escape');
    this.at += 1;
  }

  private skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at += match[0].length;
    return match !== null;
  }

  private fail(position: number, message: string): never {
    throw new JsonSyntaxError(position, message);
  }
}
