import { inSlices } from '../../../flow/index.js';

const ESC = String.fromCharCode(0x1b);
const BEL = String.fromCharCode(0x07);

/** Control sequences (ECMA-48): CSI with parameters and final letter, strings such as titles, others. */
const CSI = `${ESC}\\[([0-?]*)[ -/]*([@-~])`;
const CUT_CSI = `${ESC}\\[[0-?]*[ -/]*$`;
const STRING = `${ESC}[\\]PX^_][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?`;
const SHORT = `${ESC}[ -/]*[0-~]`;
const CONTROLS = `\\u0000-\\u0008\\u000b-\\u001f\\u007f`;
const TOKEN = new RegExp(`${CSI}|${CUT_CSI}|${STRING}|${SHORT}|\\n|[${CONTROLS}]|[^\\n${CONTROLS}]+`, 'g');

/** Anything but text, tabs and line ends. */
const NEEDS_TERMINAL = new RegExp(`[${CONTROLS}]`);
/** The same for raw terminal output, in which lines end with CRLF. */
const DRAWS = new RegExp(`(?!\\r\\n)[${CONTROLS}]`);

/** The longest cursor movement. Progress displays do not move further. */
const MAX_JUMP = 1000;

/**
 * Longer lines wrap into several rows, and cursor movements stay within a row. Programs see 256 columns, so
 * nothing they draw is wider. Without this limit, a backspace in a line of megabytes would copy the whole
 * line.
 */
const MAX_COLUMNS = 1024;

/**
 * Rows to keep beyond the requested lines: for wrapped lines and for upward cursor movements. Without this
 * limit, four megabytes of movements to the right would become hundreds of megabytes of blanks.
 */
const SPARE_ROWS = 5000;

/** A screen of unlimited height: rows of text and a cursor. Columns count UTF-16 units. */
class Screen {
  private readonly lines: string[] = [''];
  /** Rows that continue the line of the row before. */
  private readonly continuationRows = new Set<number>();
  private fullScreen = false;
  private row = 0;
  private column = 0;
  private readonly keptRows: number;

  /** @param maxLines the number of lines to keep at the end */
  constructor(private readonly maxLines: number) {
    this.keptRows = maxLines + SPARE_ROWS;
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

  /** Applies the CSI sequences that progress displays use. Others are ignored. */
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
    if (final === 'P') this.lines[this.row] = this.withoutCharacters(count);
    // Absolute positions depend on the window's height. Text after one begins a new line.
    if (final === 'H' || final === 'f') this.position();
  }

  /** The last lines as text, without the trailing blanks of full-screen programs. */
  *text(): Generator<void, string> {
    const { maxLines } = this;
    const rows: string[] = [];
    let row = this.lines.length - 1;
    while (row > 0 && this.lines[row]?.trim() === '') row -= 1;
    for (let lines = 0; row >= 0 && lines < maxLines; row -= 1) {
      const text = this.fullScreen ? this.lines[row]?.trimEnd() : this.lines[row];
      const isContinued = this.continuationRows.has(row);
      if (!isContinued) lines += 1;
      rows.push(row === 0 || isContinued || lines === maxLines ? (text ?? '') : `\n${text ?? ''}`);
      if (rows.length % CHUNK_ROWS === 0) yield;
    }
    return rows.reverse().join('');
  }

  private wrap(): void {
    this.row += 1;
    this.column = 0;
    if (this.row < this.lines.length) return;
    this.continuationRows.add(this.row);
    this.addRow();
  }

  /** Appends a row. Drops the oldest rows when there are twice as many as to be kept. */
  private addRow(): void {
    this.lines.push('');
    if (this.lines.length < 2 * this.keptRows) return;
    const dropped = this.lines.length - this.keptRows;
    this.lines.splice(0, dropped);
    this.row -= dropped;
    const continuationRows = [...this.continuationRows];
    this.continuationRows.clear();
    for (const row of continuationRows) if (row >= dropped) this.continuationRows.add(row - dropped);
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

  private withoutCharacters(count: number): string {
    return this.line().slice(0, this.column) + this.line().slice(this.column + count);
  }

  private eraseLine(mode: string): void {
    const line = this.line();
    if (mode === '2') this.lines[this.row] = '';
    else if (mode === '1') {
      this.lines[this.row] = ' '.repeat(Math.min(this.column, line.length)) + line.slice(this.column);
    } else this.lines[this.row] = line.slice(0, this.column);
  }

  /** Erases only below the cursor. Clearing the whole screen would erase output that was not read yet. */
  private eraseBelow(mode: string): void {
    if (mode !== '' && mode !== '0') return;
    this.eraseLine('0');
    for (let row = this.row + 1; row < this.lines.length; row += 1) this.continuationRows.delete(row);
    this.lines.length = this.row + 1;
  }
}

/** Work between two yields, usually far below a millisecond. */
const CHUNK_TOKENS = 128;
const CHUNK_ROWS = 256;
const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Converts terminal output to text: removes colours, titles and other sequences, and shows overwritten text
 * (progress bars, spinners, backspaces) in its final state. This is not an emulator: full-screen programs
 * result in a list of what they drew. Trailing white space is removed. Megabytes of control characters take
 * up to a second, during which the event loop keeps running.
 * @param maxLines return only the last lines
 */
export function cleanOutput(raw: string, maxLines = Infinity): Promise<string> {
  return inSlices(cleanInSlices(raw, maxLines));
}

function* cleanInSlices(raw: string, maxLines: number): Generator<void, string> {
  if (!(yield* draws(raw))) return lastLines(raw.trimEnd(), maxLines).replaceAll('\r\n', '\n');
  const screen = new Screen(maxLines);
  let tokens = 0;
  for (const [token, parameters, final] of raw.matchAll(TOKEN)) {
    if (final !== undefined) screen.sequence(parameters ?? '', final);
    else if (token === '\n') screen.lineFeed();
    else if (token === '\r' || token === '\b') screen.control(token);
    else if (!NEEDS_TERMINAL.test(token)) screen.write(token);
    tokens += 1;
    if (tokens % CHUNK_TOKENS === 0) yield;
  }
  return (yield* screen.text()).trimEnd();
}

function* draws(raw: string): Generator<void, boolean> {
  for (let from = 0; from < raw.length;) {
    let to = from + CHUNK_CHARACTERS;
    // A CRLF must not be split between two chunks.
    while (raw[to - 1] === '\r') to += 1;
    if (DRAWS.test(raw.slice(from, to))) return true;
    from = to;
    yield;
  }
  return false;
}

function lastLines(text: string, maxLines: number): string {
  let from = text.length;
  for (let lines = 0; lines < maxLines; lines += 1) {
    from = text.lastIndexOf('\n', from - 1);
    if (from <= 0) return from === 0 && lines + 1 >= maxLines ? text.slice(1) : text;
  }
  return text.slice(from + 1);
}
