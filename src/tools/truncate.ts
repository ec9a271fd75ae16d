import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const NOTICE_START =
  '<response clipped><NOTE>Due to the max output limit, only part of the full response has been shown to you.';
const NOTICE_END = '</NOTE>';

/** Where the complete text is saved. */
interface FullOutputTarget {
  /** Absolute path; created if missing. */
  folder: string;
  /** Prefix of the file name: `<tool>_output_<hash>.txt`. */
  tool: string;
}

/** Moves a cut position out of a surrogate pair. */
function alignToCharacter(text: string, end: number): number {
  const code = text.charCodeAt(end - 1);
  return end > 0 && end < text.length && code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}

function cut(text: string, limit: number, head: number, notice: string): string {
  if (limit <= notice.length) return notice.slice(0, limit);
  const headEnd = alignToCharacter(text, Math.min(head, limit - notice.length));
  const tailStart = text.length - (limit - notice.length - headEnd);
  const code = text.charCodeAt(tailStart);
  const safeStart = code >= 0xdc00 && code <= 0xdfff ? tailStart + 1 : tailStart;
  return text.slice(0, headEnd) + notice + text.slice(safeStart);
}

function headLength(limit: number): number {
  return Math.max(0, Math.ceil((limit - NOTICE_START.length - NOTICE_END.length) / 2));
}

/**
 * Truncates a text in the middle to `limit` UTF-16 units, or one or two fewer if a cut would split a
 * character. A notice marks the cut. Shorter texts are returned unchanged.
 */
export function truncateMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return cut(text, limit, headLength(limit), NOTICE_START + NOTICE_END);
}

/**
 * Like `truncateMiddle`, but saves the complete text to a file. The notice names the file and the line where
 * the missing part begins. The file name is a hash of the text, so equal texts are saved once.
 * @throws the error of the file system
 */
export async function truncateMiddleAndSave(
  text: string,
  limit: number,
  target: FullOutputTarget,
): Promise<string> {
  if (text.length <= limit) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const file = path.join(target.folder, `${target.tool}_output_${hash}.txt`);
  await mkdir(target.folder, { recursive: true });
  await writeFile(file, text);
  const head = headLength(limit);
  const shownLines = text.slice(0, head).replace(/\n$/, '').split('\n').length;
  const notice =
    `${NOTICE_START} The complete output has been saved to ${file} - you can use other tools to view the full ` +
    `content (truncated part starts around line ${shownLines + 1}).${NOTICE_END}`;
  return cut(text, limit, head, notice);
}
