import { parseInline, type Inline, type MarkBudget } from './inline.js';

/** A block of a text in Markdown. */
export type Block =
  | { type: 'heading'; level: number; children: Inline[] }
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'code'; language: string; text: string }
  | { type: 'quote'; children: Block[] }
  | { type: 'list'; start: number | null; items: ListItem[] }
  | { type: 'table'; align: Align[]; header: Inline[][]; rows: Inline[][][]; omitted: number }
  | { type: 'rule' };

/** An item of a list. `checked` is null without a check box. */
export interface ListItem {
  checked: boolean | null;
  children: Block[];
}

type Align = 'left' | 'center' | 'right' | null;

const MAX_DEPTH = 6;
const MAX_BLOCKS = 800;
const MAX_MARKS = 800;
const MAX_ROWS = 100;
const MAX_COLUMNS = 20;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,40})/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:( {1,4})|$)/;
const CHECK = /^\[([ xX])\] /;
const TABLE_LINE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*){0,100}\|?[ \t]*$/;

/**
 * Reads a text in Markdown: headings, lists, quotes, tables, code, rules, paragraphs. HTML in it is text. The
 * result has bounded depth and size, and takes time in proportion to the length, whatever the text is.
 */
export function parseMarkdown(text: string): Block[] {
  return new BlockParser().parse(text.split('\n'), 0);
}

class BlockParser {
  private left = MAX_BLOCKS;
  private readonly marks: MarkBudget = { left: MAX_MARKS };
  private readonly inline = (text: string): Inline[] => parseInline(text, this.marks);

  parse(lines: readonly string[], depth: number): Block[] {
    const blocks: Block[] = [];
    let at = 0;
    while (at < lines.length) {
      if ((lines[at] ?? '').trim() === '') {
        at += 1;
        continue;
      }
      if (this.left-- <= 0 || depth >= MAX_DEPTH) {
        blocks.push({ type: 'paragraph', children: [{ type: 'text', text: lines.slice(at).join('\n') }] });
        break;
      }
      const [block, next] = this.block(lines, at, depth);
      blocks.push(block);
      at = next;
    }
    return blocks;
  }

  /** The block that begins at a line, and the line after it. */
  private block(lines: readonly string[], at: number, depth: number): [Block, number] {
    const line = lines[at] ?? '';
    const fence = FENCE.exec(line);
    if (fence) return codeBlock(lines, at, fence[1] ?? '', fence[2] ?? '');
    const heading = HEADING.exec(line);
    if (heading) {
      const text = (heading[2] ?? '').replace(/[ \t]{1,100}#{1,100}[ \t]{0,100}$/, '');
      return [{ type: 'heading', level: heading[1]?.length ?? 1, children: this.inline(text) }, at + 1];
    }
    if (RULE.test(line)) return [{ type: 'rule' }, at + 1];
    if (QUOTE.test(line)) return this.quote(lines, at, depth);
    if (ITEM.test(line)) return this.list(lines, at, depth);
    if (line.includes('|') && isTable(lines, at)) return table(lines, at, this.inline);
    return paragraph(lines, at, this.inline);
  }

  private quote(lines: readonly string[], at: number, depth: number): [Block, number] {
    let end = at;
    while (end < lines.length && QUOTE.test(lines[end] ?? '')) end += 1;
    const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ''));
    return [{ type: 'quote', children: this.parse(inner, depth + 1) }, end];
  }

  private list(lines: readonly string[], at: number, depth: number): [Block, number] {
    const marker = ITEM.exec(lines[at] ?? '')?.[2] ?? '-';
    const kind = marker.at(-1);
    const items: ListItem[] = [];
    let next = at;
    for (let found = ITEM.exec(lines[next] ?? ''); found !== null; found = ITEM.exec(lines[next] ?? '')) {
      if (found[2]?.at(-1) !== kind || RULE.test(lines[next] ?? '')) break;
      const [inner, end] = itemLines(lines, next, found[0].length || 2);
      const check = CHECK.exec(inner[0] ?? '');
      if (check) inner[0] = (inner[0] ?? '').slice(check[0].length);
      items.push({ checked: check ? check[1] !== ' ' : null, children: this.parse(inner, depth + 1) });
      this.left -= 1;
      next = end;
      if (this.left <= 0) break;
    }
    const number = Number.parseInt(marker, 10);
    return [{ type: 'list', start: Number.isNaN(number) ? null : number, items }, next];
  }
}

/** The lines of an item without its indentation, and the line after it. */
function itemLines(lines: readonly string[], at: number, width: number): [string[], number] {
  const inner = [(lines[at] ?? '').slice(width)];
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end] ?? '';
    const isBlank = line.trim() === '';
    const indent = line.length - line.trimStart().length;
    if (isBlank) {
      // A blank line ends the item, unless what follows is indented or another item.
      const following = lines[end + 1] ?? '';
      const isInside = following.startsWith(' '.repeat(Math.min(width, 2))) && following.trim() !== '';
      if (!isInside && !ITEM.test(following)) break;
      if (!isInside) {
        end += 1;
        break;
      }
      inner.push('');
    } else if (indent >= Math.min(width, 2)) inner.push(line.slice(Math.min(indent, width)));
    else if (ITEM.test(line) || FENCE.test(line) || HEADING.test(line) || QUOTE.test(line)) break;
    else inner.push(line);
    end += 1;
  }
  return [inner, end];
}

function codeBlock(lines: readonly string[], at: number, fence: string, language: string): [Block, number] {
  let end = at + 1;
  while (end < lines.length) {
    const line = (lines[end] ?? '').trim();
    if (line.startsWith(fence) && line === fence[0]?.repeat(line.length)) break;
    end += 1;
  }
  return [{ type: 'code', language, text: lines.slice(at + 1, end).join('\n') }, end + 1];
}

type ReadInline = (text: string) => Inline[];

function paragraph(lines: readonly string[], at: number, inline: ReadInline): [Block, number] {
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end] ?? '';
    if (line.trim() === '' || FENCE.test(line) || HEADING.test(line) || QUOTE.test(line)) break;
    if (ITEM.test(line) || RULE.test(line) || (line.includes('|') && isTable(lines, end))) break;
    end += 1;
  }
  return [{ type: 'paragraph', children: inline(lines.slice(at, end).join('\n').trim()) }, end];
}

function isTable(lines: readonly string[], at: number): boolean {
  const rule = lines[at + 1] ?? '';
  return rule.length < 4000 && rule.includes('-') && rule.includes('|') && TABLE_LINE.test(rule);
}

function table(lines: readonly string[], at: number, inline: ReadInline): [Block, number] {
  const align = cells(lines[at + 1] ?? '').map((cell): Align => {
    if (cell.startsWith(':') && cell.endsWith(':')) return 'center';
    if (cell.endsWith(':')) return 'right';
    return cell.startsWith(':') ? 'left' : null;
  });
  let end = at + 2;
  while (end < lines.length && (lines[end] ?? '').includes('|')) end += 1;
  const shown = lines.slice(at + 2, Math.min(end, at + 2 + MAX_ROWS));
  const row = (line: string): Inline[][] => cells(line).slice(0, align.length).map(inline);
  const omitted = end - at - 2 - shown.length;
  return [{ type: 'table', align, header: row(lines[at] ?? ''), rows: shown.map(row), omitted }, end];
}

/** The cells of a line of a table; a bar in code or after a backslash does not separate. */
function cells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  const found: string[] = [];
  let cell = '';
  let inCode = false;
  for (let at = 0; at < inner.length && found.length < MAX_COLUMNS; at += 1) {
    const character = inner[at] ?? '';
    if (character === '\\' && inner[at + 1] === '|') {
      cell += '|';
      at += 1;
    } else if (character === '|' && !inCode) {
      found.push(cell.trim());
      cell = '';
    } else {
      if (character === '`') inCode = !inCode;
      cell += character;
    }
  }
  if (found.length < MAX_COLUMNS) found.push(cell.trim());
  return found;
}
