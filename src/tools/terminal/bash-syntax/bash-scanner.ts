/** The text is incomplete, or uses syntax that the scanner does not know. */
export class UnclearSyntaxError extends Error {
  override readonly name = 'UnclearSyntax';
}

interface Heredoc {
  delimiter: string;
  stripTabs: boolean;
}

const WORD_END = new Set([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')']);

/**
 * Scans bash text token by token: words with their quoting and substitutions, and here-documents. The caller
 * interprets the words. All methods throw UnclearSyntaxError if the text ends prematurely.
 */
export class BashScanner {
  position = 0;
  private readonly heredocs: Heredoc[] = [];
  /** The offset of the closing parenthesis for each opening one. Computed at the first `((`. */
  private closings: ReadonlyMap<number, number> | undefined;

  constructor(
    private readonly text: string,
    /** Scans a command list up to and including its unmatched `)`. */
    private readonly scanNestedList: () => void,
  ) {}

  get atEnd(): boolean {
    return this.position >= this.text.length;
  }

  /** Whether the text continues with `part`. */
  sees(part: string): boolean {
    return this.text.startsWith(part, this.position);
  }

  /** Skips blanks, line continuations, and a comment (a `#` where a word could begin). */
  skipBlanks(): void {
    for (;;) {
      if (this.sees(' ') || this.sees('\t')) this.position += 1;
      else if (this.sees('\\\n')) this.position += 2;
      else if (this.sees('#')) this.position = this.indexOrEnd('\n');
      else return;
    }
  }

  /** Scans a line end and the bodies of the here-documents that begin after it. */
  lineEnd(): void {
    this.position += 1;
    for (const { delimiter, stripTabs } of this.heredocs.splice(0)) {
      // At the end of the text, bash ends a here-document with a warning.
      while (!this.atEnd) {
        const end = this.indexOrEnd('\n');
        const line = this.text.slice(this.position, end);
        this.position = Math.min(end + 1, this.text.length);
        if ((stripTabs ? line.replace(/^\t+/, '') : line) === delimiter) break;
      }
    }
  }

  /** Scans `<<` or `<<-` and its delimiter. The body follows after the line. */
  heredocStart(): void {
    const stripTabs = this.sees('<<-');
    this.position += stripTabs ? 3 : 2;
    while (this.sees(' ') || this.sees('\t')) this.position += 1;
    const delimiter = this.word().replace(/\\(.)|['"]/gs, '$1');
    this.heredocs.push({ delimiter, stripTabs });
  }

  /** Scans a word and returns it as written. */
  word(): string {
    const start = this.position;
    while (!this.atEnd) {
      const character = this.text[this.position] ?? '';
      if (character === '(' && this.opensInsideWord(start)) this.parentheses();
      else if (WORD_END.has(character)) break;
      else this.part(character);
    }
    return this.text.slice(start, this.position);
  }

  /** Scans `((...))` and returns true; otherwise leaves the position unchanged. */
  arithmetic(): boolean {
    this.closings ??= closingParentheses(this.text);
    const end = this.closings.get(this.position);
    if (end === undefined || this.text[end - 1] !== ')') return false;
    this.position = end + 1;
    return true;
  }

  /** Whether a parenthesis belongs to the word: `a=(...)` and extended patterns such as `@(a|b)`. */
  private opensInsideWord(start: number): boolean {
    return this.position > start && /[=?*+@!]/.test(this.text[this.position - 1] ?? '');
  }

  private part(character: string): void {
    if (character === '\\') this.position += 2;
    else if (character === "'") this.singleQuotes();
    else if (character === '"') this.doubleQuotes();
    else if (character === '`') this.until('`');
    else if (character === '$') this.dollar();
    else this.position += 1;
  }

  private singleQuotes(): void {
    const end = this.text.indexOf("'", this.position + 1);
    if (end < 0) throw new UnclearSyntaxError('quote');
    this.position = end + 1;
  }

  private doubleQuotes(): void {
    this.position += 1;
    while (!this.sees('"')) {
      if (this.atEnd) throw new UnclearSyntaxError('quote');
      if (this.sees('\\')) this.position += 2;
      else if (this.sees('`')) this.until('`');
      else if (this.sees('$(') || this.sees('${')) this.dollar();
      else this.position += 1;
    }
    this.position += 1;
  }

  private dollar(): void {
    this.position += 1;
    if (this.sees("'")) return this.until("'");
    if (this.sees('{')) return this.braces();
    if (!this.sees('(')) return;
    if (this.sees('((') && this.arithmetic()) return;
    this.position += 1;
    this.scanNestedList();
  }

  private braces(): void {
    this.position += 1;
    while (!this.sees('}')) {
      if (this.atEnd) throw new UnclearSyntaxError('brace');
      this.part(this.text[this.position] ?? '');
    }
    this.position += 1;
  }

  private parentheses(): void {
    this.position += 1;
    while (!this.sees(')')) {
      if (this.atEnd) throw new UnclearSyntaxError('parenthesis');
      if (this.sees('(')) this.parentheses();
      else if (this.sees('#') && /\s/.test(this.text[this.position - 1] ?? '')) this.skipBlanks();
      else this.part(this.text[this.position] ?? '');
    }
    this.position += 1;
  }

  /** Scans a quoted part in which a backslash escapes the closing quote. */
  private until(end: string): void {
    this.position += 1;
    while (!this.sees(end)) {
      if (this.atEnd) throw new UnclearSyntaxError('quote');
      this.position += this.sees('\\') ? 2 : 1;
    }
    this.position += 1;
  }

  private indexOrEnd(part: string): number {
    const index = this.text.indexOf(part, this.position);
    return index < 0 ? this.text.length : index;
  }
}

/**
 * The offset of the closing parenthesis for each opening one, ignoring quotes. Computed for all at once, so
 * that a long sequence of `((` takes linear time.
 */
function closingParentheses(text: string): Map<number, number> {
  const closings = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') open.push(at);
    if (text[at] !== ')') continue;
    const start = open.pop();
    if (start !== undefined) closings.set(start, at);
  }
  return closings;
}
