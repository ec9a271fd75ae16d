/** How a piece of terminal output is shown. Colours below 16 are those of the theme, others `rgb(…)`. */
export interface AnsiStyle {
  readonly colour?: number | string;
  readonly background?: number | string;
  readonly bold?: boolean;
  readonly faint?: boolean;
  readonly italic?: boolean;
  readonly underlined?: boolean;
  readonly inverse?: boolean;
}

/** A piece of a line with one style. */
export interface AnsiSpan {
  text: string;
  style: AnsiStyle;
}

/** One line of terminal output. */
export type AnsiLine = AnsiSpan[];

const PLAIN: AnsiStyle = {};
/** More pieces than this are shown without style: each is an element of the page. */
const MAX_SPANS = 4000;
/** CSI sequences, OSC and other strings up to their end, and two-character sequences. */
const SEQUENCE = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[ -/]*[0-~])/y;

/**
 * Reads terminal output: colours, carriage returns and backspaces. Sequences that move the cursor are left
 * out. Takes time in proportion to the length, whatever the text is.
 */
export function parseAnsi(text: string): AnsiLine[] {
  const screen = new Screen();
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) screen.line(line);
  return screen.lines;
}

class Screen {
  readonly lines: AnsiLine[] = [];
  private style = PLAIN;
  private spans = 0;
  /** The characters of the line and their styles: overwriting one takes no longer than adding one. */
  private cells: string[] = [];
  private styles: AnsiStyle[] = [];
  private column = 0;

  line(text: string): void {
    this.cells = [];
    this.styles = [];
    this.column = 0;
    let at = 0;
    while (at < text.length) {
      const next = nextControl(text, at);
      for (; at < next; at += 1) this.write(text[at] ?? '');
      if (next < text.length) at = this.control(text, next);
    }
    const spans = this.joined();
    this.spans += spans.length;
    this.lines.push(spans);
  }

  /** Handles a control character. @returns where the text goes on */
  private control(text: string, at: number): number {
    switch (text[at]) {
      case '\r':
        this.column = 0;
        return at + 1;
      case '\b':
        this.column = Math.max(0, this.column - 1);
        return at + 1;
      case '\x07':
        return at + 1;
      default:
        return this.sequence(text, at);
    }
  }

  private sequence(text: string, at: number): number {
    SEQUENCE.lastIndex = at;
    const found = SEQUENCE.exec(text);
    if (found === null) return at + 1;
    const [all, parameters = '', final] = found;
    if (final === 'm') this.style = nextStyle(this.style, parameters);
    if (final === 'K' && parameters !== '1') this.erase(parameters === '2' ? 0 : this.column);
    return at + all.length;
  }

  private erase(from: number): void {
    if (from >= this.cells.length) return;
    this.cells.length = from;
    this.styles.length = from;
  }

  private write(character: string): void {
    // The line was erased, and the cursor has stayed.
    while (this.cells.length < this.column) {
      this.cells.push(' ');
      this.styles.push(PLAIN);
    }
    this.cells[this.column] = character;
    this.styles[this.column] = this.style;
    this.column += 1;
  }

  private joined(): AnsiLine {
    const spans: AnsiLine = [];
    let from = 0;
    for (let at = 1; at <= this.cells.length; at += 1) {
      const isFull = this.spans + spans.length >= MAX_SPANS;
      if (at < this.cells.length && (isFull || this.styles[at] === this.styles[from])) continue;
      const style = isFull ? PLAIN : (this.styles[from] ?? PLAIN);
      spans.push({ text: this.cells.slice(from, at).join(''), style });
      from = at;
    }
    return spans;
  }
}

function nextControl(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x1b || code === 0x0d || code === 0x08 || code === 0x07) return at;
  }
  return text.length;
}

/** The style after a sequence "select graphic rendition". */
function nextStyle(before: AnsiStyle, parameters: string): AnsiStyle {
  let style: AnsiStyle = before;
  const codes = parameters.slice(0, 200).split(/[;:]/).map(Number);
  while (codes.length > 0) {
    const code = codes.shift() ?? 0;
    if (code === 38 || code === 48) {
      const colour = extendedColour(codes);
      style = code === 38 ? { ...style, colour } : { ...style, background: colour };
    } else style = withCode(style, code);
  }
  return isPlain(style) ? PLAIN : style;
}

function withCode(style: AnsiStyle, code: number): AnsiStyle {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, faint: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underlined: true };
  if (code === 7) return { ...style, inverse: true };
  if (code === 22) return { ...style, bold: undefined, faint: undefined };
  if (code === 23) return { ...style, italic: undefined };
  if (code === 24) return { ...style, underlined: undefined };
  if (code === 27) return { ...style, inverse: undefined };
  if (code >= 30 && code <= 37) return { ...style, colour: code - 30 };
  if (code === 39) return { ...style, colour: undefined };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code === 49) return { ...style, background: undefined };
  if (code >= 90 && code <= 97) return { ...style, colour: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 };
  return style;
}

function isPlain(style: AnsiStyle): boolean {
  return Object.values(style).every((value) => value === undefined);
}

/** A colour of 256, or of red, green and blue. Takes its codes from the list. */
function extendedColour(codes: number[]): number | string | undefined {
  const kind = codes.shift();
  if (kind === 2) {
    const [red = 0, green = 0, blue = 0] = codes.splice(0, 3).map(byte);
    return `rgb(${red} ${green} ${blue})`;
  }
  if (kind !== 5) return undefined;
  const index = byte(codes.shift() ?? 0);
  if (index < 16) return index;
  if (index >= 232)
    return `rgb(${Array(3)
      .fill(8 + (index - 232) * 10)
      .join(' ')})`;
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}

function byte(value: number): number {
  return Number.isInteger(value) ? Math.min(255, Math.max(0, value)) : 0;
}
