import { parseJson } from '../json/index.js';
import { MAX_FILE_BYTES, readProjectText } from './bounded-text.js';

/** How a JSON file is read. */
export interface JsonFileOptions {
  /** Bytes that it may have. */
  limit?: number;
  /** Files that are links out of this folder (absolute path) are refused. */
  root?: string;
}

/**
 * The value in a JSON file that nobody vouches for: bounded in size and depth before it is parsed.
 * @returns undefined for what is no file or holds no text
 * @throws system errors, SyntaxError, RangeError for what is too large, nested too deep or leads out of
 * `root`
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
