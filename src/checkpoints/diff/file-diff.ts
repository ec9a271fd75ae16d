import { formatPatch, structuredPatch } from 'diff';
import type { FileVersion } from '../version.js';

/** Longer contents are not compared (bytes). */
const MAX_COMPARED = 512 * 1024;
/** Time for a file (ms), and edits: the work grows with their number. */
const MAX_COMPARE_MS = 100;
const MAX_EDITS = 4_000;
/** A file with a zero byte in so many bytes is binary, as in git. */
const BINARY_SAMPLE = 8_000;

/** The difference of two versions of a file. */
export interface FileDiff {
  isBinary: boolean;
  /** Unified diff; null if there is none. */
  text: string | null;
  /** Why there is none: contents are missing, too large, or too different. */
  missing: 'binary' | 'not_kept' | 'too_large' | 'too_different' | null;
}

/** A version of a file; `bytes` is undefined if its content cannot be had. */
export interface Content {
  version: FileVersion | null;
  bytes: Buffer | undefined;
}

/** Compares two versions of a file. */
export function diffOf(file: string, before: Content, after: Content): FileDiff {
  const contents = [before, after].map(({ version, bytes }) => (version === null ? Buffer.alloc(0) : bytes));
  const [from, to] = contents;
  if (!from || !to) return { isBinary: false, text: null, missing: 'not_kept' };
  if (isBinary(from) || isBinary(to)) return { isBinary: true, text: null, missing: 'binary' };
  if (from.length > MAX_COMPARED || to.length > MAX_COMPARED)
    return { isBinary: false, text: null, missing: 'too_large' };
  const [oldText, newText] = [textOf(from), textOf(to)];
  if (oldText === undefined || newText === undefined)
    return { isBinary: true, text: null, missing: 'binary' };
  const patch = structuredPatch(
    before.version ? `a/${file}` : '/dev/null',
    after.version ? `b/${file}` : '/dev/null',
    oldText,
    newText,
    undefined,
    undefined,
    { context: 3, timeout: MAX_COMPARE_MS, maxEditLength: MAX_EDITS },
  );
  if (!patch) return { isBinary: false, text: null, missing: 'too_different' };
  return { isBinary: false, text: modes(before.version, after.version) + formatPatch(patch), missing: null };
}

/** As git says it. */
function modes(before: FileVersion | null, after: FileVersion | null): string {
  const octal = (mode: number): string => `100${mode.toString(8).padStart(3, '0')}`;
  if (!before || !after || before.mode === after.mode) return '';
  return `old mode ${octal(before.mode)}\nnew mode ${octal(after.mode)}\n`;
}

function isBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, BINARY_SAMPLE).includes(0);
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
