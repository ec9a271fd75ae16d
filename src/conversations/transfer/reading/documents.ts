import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { errorMessage } from '../../../errors/index.js';
import { SourceFileError, type SourceFiles } from '../sources/source-files.js';
import { parseForeign } from './foreign-json.js';
import type { ImportNotes } from './notes.js';

/** Larger documents are damaged. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads a JSON document of a conversation; undefined if it is missing or damaged, which is noted.
 * @param damaged receives the name of a damaged one
 */
export async function readDocument(
  files: SourceFiles,
  name: string,
  notes: ImportNotes,
  damaged: string[],
): Promise<JsonObject | undefined> {
  try {
    const content = await files.read(name, MAX_BYTES);
    if (content === undefined) {
      notes.problem(`${name} is missing`);
      return undefined;
    }
    const value = parseForeign(content.toString());
    if (isJsonObject(value)) return value;
    notes.problem(`${name} is not an object`);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError || error instanceof SourceFileError))
      throw error;
    const reason = error instanceof SyntaxError ? 'it is not JSON' : errorMessage(error);
    notes.problem(`${name} cannot be read: ${reason}`);
  }
  damaged.push(name);
  return undefined;
}
