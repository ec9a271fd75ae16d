import { isUtf8 } from 'node:buffer';
import { structuredPatch, type StructuredPatch } from 'diff';

/** A longer text (bytes) is not compared. */
const MAX_COMPARED_BYTES = 1024 * 1024;
/** A longer comparison (characters) ends after a whole line. */
const MAX_DIFF_CHARACTERS = 1024 * 1024;
/** With more changed lines the whole file is replaced: the effort grows with their square. */
const MAX_EDITS = 4_000;
/** The comparison runs without a pause, so it may take no longer (ms). */
const MAX_MS = 150;
const CONTEXT_LINES = 3;
/** Files with a zero byte near their beginning count as binary, as for git. */
const BINARY_LOOK_BYTES = 8_000;

/** Two versions of a file; undefined: it did not exist. */
interface Versions {
  before: Buffer | string | undefined;
  after: Buffer | string | undefined;
}

/** How a file has changed. */
export interface UnifiedDiff {
  /** Unless it is `text`, there are no lines to show. */
  kind: 'same' | 'text' | 'binary' | 'too-large';
  /** The hunks in the format of `diff -u`, with `---` and `+++` before them. */
  text: string;
  added: number;
  removed: number;
  /** The end of `text` is left out. The counts are those of the whole. */
  truncated: boolean;
}

/**
 * Compares two versions of a file by lines. Its time and its result are bounded whatever the texts are: two
 * that are too different are shown as one replaced by the other.
 * @param name of the file, for the head; it is written on one line
 */
export function unifiedDiff(name: string, { before, after }: Versions): UnifiedDiff {
  const [old, now] = [bytesOf(before), bytesOf(after)];
  const none = { text: '', added: 0, removed: 0, truncated: false };
  if (areSame(old, now)) return { kind: 'same', ...none };
  if (isTooLarge(old) || isTooLarge(now)) return { kind: 'too-large', ...none };
  if (isBinary(old) || isBinary(now)) return { kind: 'binary', ...none };
  const hunks = hunksOf(old?.toString() ?? '', now?.toString() ?? '');
  const counted = { added: countOf(hunks, '+'), removed: countOf(hunks, '-') };
  const shown = JSON.stringify(name).slice(1, -1);
  const head = [
    `--- ${old === undefined ? '/dev/null' : `a/${shown}`}`,
    `+++ ${now === undefined ? '/dev/null' : `b/${shown}`}`,
  ];
  return { kind: 'text', ...textOf(head, hunks), ...counted };
}

type Hunk = StructuredPatch['hunks'][number];

function hunksOf(before: string, after: string): Hunk[] {
  const options = { context: CONTEXT_LINES, maxEditLength: MAX_EDITS, timeout: MAX_MS };
  const patch = structuredPatch('', '', before, after, undefined, undefined, options);
  return patch?.hunks.map(withPlace) ?? [replacement(before, after)];
}

/** A part without lines is named by the line before it. */
function withPlace(hunk: Hunk): Hunk {
  const { oldStart, oldLines, newStart, newLines } = hunk;
  return {
    ...hunk,
    oldStart: oldLines === 0 ? oldStart - 1 : oldStart,
    newStart: newLines === 0 ? newStart - 1 : newStart,
  };
}

/** The hunk of a file that shares no line with its other version. */
function replacement(before: string, after: string): Hunk {
  const [old, now] = [linesOf(before), linesOf(after)];
  const mark = (lines: readonly string[], sign: string, text: string): string[] => [
    ...lines.map((line) => sign + line),
    ...(lines.length > 0 && !text.endsWith('\n') ? [NO_LINE_END] : []),
  ];
  return {
    oldStart: Math.min(1, old.length),
    oldLines: old.length,
    newStart: Math.min(1, now.length),
    newLines: now.length,
    lines: [...mark(old, '-', before), ...mark(now, '+', after)],
  };
}

const NO_LINE_END = '\\ No newline at end of file';

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function textOf(head: readonly string[], hunks: readonly Hunk[]): { text: string; truncated: boolean } {
  const lines = [...head];
  let length = head.join('\n').length + 1;
  for (const { oldStart, oldLines, newStart, newLines, lines: rows } of hunks) {
    for (const line of [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...rows]) {
      length += line.length + 1;
      if (length > MAX_DIFF_CHARACTERS) return { text: `${lines.join('\n')}\n`, truncated: true };
      lines.push(line);
    }
  }
  return { text: `${lines.join('\n')}\n`, truncated: false };
}

function countOf(hunks: readonly Hunk[], sign: string): number {
  return hunks.reduce((sum, { lines }) => sum + lines.filter((line) => line.startsWith(sign)).length, 0);
}

function areSame(before: Buffer | undefined, after: Buffer | undefined): boolean {
  return before === undefined || after === undefined ? before === after : before.equals(after);
}

function bytesOf(content: Buffer | string | undefined): Buffer | undefined {
  return typeof content === 'string' ? Buffer.from(content) : content;
}

function isBinary(content: Buffer | undefined): boolean {
  if (content === undefined) return false;
  return content.subarray(0, BINARY_LOOK_BYTES).includes(0) || !isUtf8(content);
}

function isTooLarge(content: Buffer | undefined): boolean {
  return content !== undefined && content.length > MAX_COMPARED_BYTES;
}
