import { isUtf8 } from 'node:buffer';
import { isJsonObject } from '../../json/index.js';

/** A line that matches, or one around it. */
export interface FoundLine {
  type: 'match' | 'context';
  /** Relative to the folder that was searched. */
  path: string;
  /** Counted from 1; null for a line that is too long to be read. */
  line: number | null;
  /** A part of the line, without its end; null as above. */
  text: string | null;
  /** Where `text` begins in the line (characters). */
  offset: number;
  /** The line goes on after `text`. */
  cut: boolean;
  /** Where the matches are in `text`: begin and end (characters). */
  ranges: [number, number][];
}

/** The most characters of a line that are shown. */
const MAX_TEXT = 500;
/** How many characters are shown before the first match of a long line. */
const LEAD = 80;
const MAX_RANGES = 100;
const CUT_KIND = /^\{"type":"(match|context)"/;

/** A line, and whether it is the first match in its file. */
interface Found {
  line: FoundLine;
  isFirst: boolean;
}

/** What ripgrep has printed about a line. */
interface Printed {
  line: Buffer;
  isCut: boolean;
}

/** Reads the records of ripgrep in their order: which matches are the first ones follows from that. */
export class LineRecords {
  private file = '';
  private hasMatched = false;

  /** @returns undefined for a record that clients do not need */
  next({ line, isCut }: Printed): Found | undefined {
    if (isCut) return this.tooLong(CUT_KIND.exec(line.toString('latin1'))?.[1]);
    const record = parsed(line);
    if (record === undefined) return undefined;
    const { type, data } = record;
    if (type === 'begin') {
      this.file = withoutDot(textOf(data['path']).text);
      this.hasMatched = false;
    }
    if (type !== 'match' && type !== 'context') return undefined;
    return this.counted(shownLine(type, this.file, data));
  }

  private tooLong(type: string | undefined): Found | undefined {
    if (type !== 'match') return undefined;
    return this.counted({ type, path: this.file, line: null, text: null, offset: 0, cut: true, ranges: [] });
  }

  private counted(line: FoundLine): Found {
    const isFirst = line.type === 'match' && !this.hasMatched;
    if (isFirst) this.hasMatched = true;
    return { line, isFirst };
  }
}

function shownLine(type: 'match' | 'context', path: string, data: Record<string, unknown>): FoundLine {
  const { text: whole, bytes } = textOf(data['lines']);
  const text = whole.replace(/\r?\n$/, '');
  const number = data['line_number'];
  const ranges = rangesOf(data['submatches'], whole, bytes);
  const start = startOf(text, ranges[0]?.[0] ?? 0);
  const shown = text.slice(start, start + MAX_TEXT).toWellFormed();
  return {
    type,
    path,
    line: typeof number === 'number' ? number : null,
    text: shown,
    offset: start,
    cut: start + shown.length < text.length,
    ranges: ranges
      .map(([from, to]): [number, number] => [from - start, Math.min(to - start, shown.length)])
      .filter(([from, to]) => from >= 0 && from <= to && from < Math.max(1, shown.length)),
  };
}

/** Where the shown part of a line begins, so that its first match is in it. */
function startOf(text: string, match: number): number {
  return text.length <= MAX_TEXT || match < MAX_TEXT - LEAD ? 0 : match - LEAD;
}

/** The matches as positions of characters. Ripgrep counts bytes. */
function rangesOf(submatches: unknown, text: string, bytes: Buffer | undefined): [number, number][] {
  if (!Array.isArray(submatches)) return [];
  const isAscii = bytes === undefined && Buffer.byteLength(text) === text.length;
  const source = isAscii ? undefined : (bytes ?? Buffer.from(text));
  const position = (at: number): number => source?.toString('utf8', 0, at).length ?? at;
  return submatches.slice(0, source && source.length > MAX_TEXT * 20 ? 1 : MAX_RANGES).flatMap((match) => {
    if (!isJsonObject(match)) return [];
    const { start, end } = match;
    return typeof start === 'number' && typeof end === 'number' ? [[position(start), position(end)]] : [];
  });
}

/** A text of ripgrep; bytes that are not UTF-8 come in Base64, and are shown as replacement characters. */
function textOf(value: unknown): { text: string; bytes?: Buffer } {
  if (!isJsonObject(value)) return { text: '' };
  if (typeof value['text'] === 'string') return { text: value['text'] };
  const bytes = Buffer.from(typeof value['bytes'] === 'string' ? value['bytes'] : '', 'base64');
  return { text: bytes.toString(), bytes };
}

function withoutDot(file: string): string {
  return file.replace(/^\.\//, '');
}

function parsed(line: Buffer): { type: unknown; data: Record<string, unknown> } | undefined {
  if (!isUtf8(line)) return undefined;
  const record: unknown = JSON.parse(line.toString());
  if (!isJsonObject(record) || !isJsonObject(record['data'])) return undefined;
  return { type: record['type'], data: record['data'] };
}
