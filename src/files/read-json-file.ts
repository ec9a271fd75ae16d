import { parseJson } from '../json/index.js';
import { MAX_FILE_BYTES, readProjectText } from './bounded-text.js';

/** Bounds for a JSON file. */
interface JsonFileOptions {
  /** Maximum size (bytes). */
  limit?: number;
  /** Links that lead out of this folder (absolute path) are refused. */
  root?: string;
}

/**
 * Parses an untrusted JSON file. Size and depth are checked before.
 * @returns undefined for anything but a file with text
 * @throws system errors, SyntaxError, RangeError for files that are too large, nested too deeply or outside
 *   of `root`
 */
export async function readJsonFile(
  file: string,
  { limit = MAX_FILE_BYTES, root }: JsonFileOptions = {},
): Promise<unknown> {
  const content = await readProjectText(file, root, limit);
  if (!content) return undefined;
  if (content.cut) throw new RangeError(`it has more than ${limit} bytes`);
  return parseJson(content.text.replace(/^\uFEFF/, ''));
}
