import { inSlices } from '../../../flow/index.js';

const ESC = String.fromCharCode(0x1b);
const BEL = String.fromCharCode(0x07);

/**
 * Control sequences (ECMA-48): CSI with its parameters and final letter, then strings such as titles, then
 * the rest.
 */
const CSI = `${ESC}\\[([0-?]*)[ -/]*([@-~])`;
const CUT_CSI = `${ESC}\\[[0-?]*[ -/]*$`;
const STRING = `${ESC}[\\]PX^_][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?`;
const SHORT = `${ESC}[ -/]*[0-~]`;
const CONTROLS = `\\u0000-\\u0008\\u000b-\\u001f\\u007f`;
const TOKEN = new RegExp(`${CSI}|${CUT_CSI}|${STRING}|${SHORT}|\\n|[${CONTROLS}]|[^\\n${CONTROLS}]+`, 'g');

/** Anything but text, tabs and line ends. */
const NEEDS_TERMINAL = new RegExp(`[${CONTROLS}]`);
/** The same in what comes from a terminal, where each line ends in two characters. */
const IS_DRAWN = new RegExp(`(?!\\r\\n)[${CONTROLS}]`);

/** Cursor jumps beyond this many lines are no progress display. */
const MAX_JUMP = 1000;

/**
 * Longer lines are several rows, as on any terminal: what moves the cursor stays in its row. Ours says that
 * it has 256 columns, so nothing that a program draws is wider. Without a bound each backspace in a line of
 * megabytes would cost as much as the line is long.
 */
const MAX_COLUMNS = 1024;

/**
 * Rows that are kept above those that are wanted: for lines of several rows, and for a cursor that goes up.
 * Without a bound four megabytes of jumps to the right would be hundreds of megabytes of blanks.
 */
const SPARE_ROWS = 5000;

/** A screen without a bottom: rows of text and a cursor. Columns count UTF-16 units. */
class Screen {
  private readonly lines: string[] = [''];
  /** Rows that go on where the one before was full. */
  private readonly continued = new Set<number>();
  private fullScreen = false;
  private row = 0;
  private column = 0;
  private readonly keptRows: number;

  /** @param mostLines so many lines of its end are wanted */
  constructor(private readonly mostLines: number) {
    this.keptRows = mostLines + SPARE_ROWS;
  }

  write(text: string): void {
    for (let rest = text; rest !== '';) {
      if (this.column >= MAX_COLUMNS) this.wrap();
      const part = rest.slice(0, MAX_COLUMNS - this.column);
      this.writePart(part);
      rest = rest.slice(part.length);
    }
  }

  private writePart(text: string): void {
    const line = this.line();
    const before =
      line.length < this.column ? line + ' '.repeat(this.column - line.length) : line.slice(0, this.column);
    this.lines[this.row] = before + text + line.slice(this.column + text.length);
    this.column += text.length;
  }

  control(character: string): void {
    if (character === '\r') this.column = 0;
    if (character === '\b') this.column = Math.max(0, this.column - 1);
  }

  lineFeed(): void {
    this.row += 1;
    this.column = 0;
    if (this.row === this.lines.length) this.addRow();
  }

  /** The CSI sequences of progress displays; the others only look good. */
  sequence(parameters: string, final: string): void {
    const count = Math.min(Number.parseInt(parameters, 10) || 1, MAX_JUMP);
    if (final === 'A' || final === 'F') this.row = Math.max(0, this.row - count);
    if (final === 'B' || final === 'E') this.down(count);
    if (final === 'E' || final === 'F') this.column = 0;
    if (final === 'C') this.column = Math.min(this.column + count, MAX_COLUMNS);
    if (final === 'D') this.column = Math.max(0, this.column - count);
    if (final === 'G') this.column = count - 1;
    if (final === 'K') this.eraseLine(parameters);
    if (final === 'J') this.eraseBelow(parameters);
    if (final === 'P') this.lines[this.row] = this.deleted(count);
    // Where an absolute position is depends on the height of the window: what goes there begins a line of its
    // own.
    if (final === 'H' || final === 'f') this.position();
  }

  /**
   * What is there to read, the last lines of it: without the blanks that full-screen programs pad their lines
   * with.
   */
  *text(): Generator<void, string> {
    const { mostLines } = this;
    const rows: string[] = [];
    let row = this.lines.length - 1;
    while (row > 0 && this.lines[row]?.trim() === '') row -= 1;
    for (let lines = 0; row >= 0 && lines < mostLines; row -= 1) {
      const text = this.fullScreen ? this.lines[row]?.trimEnd() : this.lines[row];
      const isContinued = this.continued.has(row);
      if (!isContinued) lines += 1;
      rows.push(row === 0 || isContinued || lines === mostLines ? (text ?? '') : `\n${text ?? ''}`);
      if (rows.length % ROWS_AT_ONCE === 0) yield;
    }
    return rows.reverse().join('');
  }

  private wrap(): void {
    this.row += 1;
    this.column = 0;
    if (this.row < this.lines.length) return;
    this.continued.add(this.row);
    this.addRow();
  }

  /** Below all others. From time to time the oldest go: as many as are kept. */
  private addRow(): void {
    this.lines.push('');
    if (this.lines.length < 2 * this.keptRows) return;
    const gone = this.lines.length - this.keptRows;
    this.lines.splice(0, gone);
    this.row -= gone;
    const continued = [...this.continued];
    this.continued.clear();
    for (const row of continued) if (row >= gone) this.continued.add(row - gone);
  }

  private position(): void {
    this.fullScreen = true;
    if (this.line() !== '') this.newLastLine();
  }

  private line(): string {
    return this.lines[this.row] ?? '';
  }

  private down(count: number): void {
    this.row = Math.min(this.row + count, this.lines.length - 1);
  }

  private newLastLine(): void {
    this.row = this.lines.length - 1;
    if (this.line() !== '') this.lineFeed();
    this.column = 0;
  }

  private deleted(count: number): string {
    return this.line().slice(0, this.column) + this.line().slice(this.column + count);
  }

  private eraseLine(mode: string): void {
    const line = this.line();
    if (mode === '2') this.lines[this.row] = '';
    else if (mode === '1') {
      this.lines[this.row] = ' '.repeat(Math.min(this.column, line.length)) + line.slice(this.column);
    } else this.lines[this.row] = line.slice(0, this.column);
  }

  /**
   * Only to the end: clearing the whole screen (`clear`, editors) would take away what the reader has not
   * seen yet.
   */
  private eraseBelow(mode: string): void {
    if (mode !== '' && mode !== '0') return;
    this.eraseLine('0');
    for (let row = this.row + 1; row < this.lines.length; row += 1) this.continued.delete(row);
    this.lines.length = this.row + 1;
  }
}

/**
 * What is worked on in one part: tokens, rows, and characters that are only looked at. Mostly far below a
 * millisecond.
 */
const TOKENS_AT_ONCE = 128;
const ROWS_AT_ONCE = 256;
const CHARACTERS_AT_ONCE = 64 * 1024;

/**
 * Terminal output as text: colours, titles and other sequences go, and what was drawn over (progress bars,
 * spinners, backspaces) reads as it looks at the end. Not an emulator: full-screen programs come out as a
 * list of what they drew. Nothing blank is left at its end. Megabytes of control characters take up to a
 * second, in which others have their turns.
 * @param mostLines so many lines of the end are wanted, and no others
 */
export function cleanOutput(raw: string, mostLines = Infinity): Promise<string> {
  return inSlices(cleaning(raw, mostLines));
}

function* cleaning(raw: string, mostLines: number): Generator<void, string> {
  if (!(yield* isDrawn(raw))) return lastLines(raw.trimEnd(), mostLines).replaceAll('\r\n', '\n');
  const screen = new Screen(mostLines);
  let tokens = 0;
  for (const [token, parameters, final] of raw.matchAll(TOKEN)) {
    if (final !== undefined) screen.sequence(parameters ?? '', final);
    else if (token === '\n') screen.lineFeed();
    else if (token === '\r' || token === '\b') screen.control(token);
    else if (!NEEDS_TERMINAL.test(token)) screen.write(token);
    tokens += 1;
    if (tokens % TOKENS_AT_ONCE === 0) yield;
  }
  return (yield* screen.text()).trimEnd();
}

function* isDrawn(raw: string): Generator<void, boolean> {
  for (let from = 0; from < raw.length;) {
    let to = from + CHARACTERS_AT_ONCE;
    // What ends a line is not cut in two.
    while (raw[to - 1] === '\r') to += 1;
    if (IS_DRAWN.test(raw.slice(from, to))) return true;
    from = to;
    yield;
  }
  return false;
}

function lastLines(text: string, most: number): string {
  let from = text.length;
  for (let lines = 0; lines < most; lines += 1) {
    from = text.lastIndexOf('\n', from - 1);
    if (from <= 0) return from === 0 && lines + 1 >= most ? text.slice(1) : text;
  }
  return text.slice(from + 1);
}
