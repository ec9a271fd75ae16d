import { unifiedDiff } from '../../text/index.js';
import type { FileVersion } from '../version.js';

/** The difference of two versions of a file. */
export interface FileDiff {
  isBinary: boolean;
  /** Unified diff; null if there is none. */
  text: string | null;
  /** The end of the text is left out. */
  isTruncated: boolean;
  /** Why there is no text: contents are binary, missing, or too large. */
  missing: 'binary' | 'not_kept' | 'too_large' | null;
}

/** A version of a file; `bytes` is undefined if its content cannot be had. */
export interface Content {
  version: FileVersion | null;
  bytes: Buffer | undefined;
}

/** Compares two versions of a file. */
export function diffOf(file: string, before: Content, after: Content): FileDiff {
  const none = { isBinary: false, text: null, isTruncated: false };
  if (isMissing(before) || isMissing(after)) return { ...none, missing: 'not_kept' };
  const { kind, text, truncated } = unifiedDiff(file, { before: before.bytes, after: after.bytes });
  if (kind === 'binary') return { ...none, isBinary: true, missing: 'binary' };
  if (kind === 'too-large') return { ...none, missing: 'too_large' };
  return {
    isBinary: false,
    text: modes(before.version, after.version) + text,
    isTruncated: truncated,
    missing: null,
  };
}

function isMissing({ version, bytes }: Content): boolean {
  return version !== null && bytes === undefined;
}

/** As git says it. */
function modes(before: FileVersion | null, after: FileVersion | null): string {
  const octal = (mode: number): string => `100${mode.toString(8).padStart(3, '0')}`;
  if (!before || !after || before.mode === after.mode) return '';
  return `old mode ${octal(before.mode)}\nnew mode ${octal(after.mode)}\n`;
}
