import { JsonBoundsError, JsonSize } from './json-size.js';

/** How deep lists and objects may lie in each other: no file that people write comes near it. */
const MAX_DEPTH = 64;

/**
 * Parses JSON that nobody vouches for. `JSON.parse` takes any depth, but whoever walks through the value
 * afterwards needs stack for each level of it.
 * @param text of a size that the caller has bounded
 * @throws SyntaxError as `JSON.parse` does, RangeError for lists and objects nested more than 64 deep
 */
export function parseJson(text: string): unknown {
  try {
    new JsonSize({ values: Infinity, depth: MAX_DEPTH }).push(Buffer.from(text));
  } catch (error) {
    if (error instanceof JsonBoundsError) throw new RangeError(`JSON nested more than ${MAX_DEPTH} deep`);
    throw error;
  }
  return JSON.parse(text);
}
