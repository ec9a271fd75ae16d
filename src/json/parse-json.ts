import { JsonBoundsError, JsonSize } from './json-size.js';

/** Levels of arrays and objects: more than any file or tool needs, and far fewer than a stack holds. */
const MAX_DEPTH = 200;

/**
 * Parses untrusted JSON. `JSON.parse` accepts any depth, but walking through the value or writing it again
 * takes stack for each level.
 * @param text the caller bounds its length
 * @param values how many it may have: an empty object of two characters takes 50 bytes of memory and more
 * @throws SyntaxError as `JSON.parse` does, RangeError for more than 200 levels, or more values
 */
export function parseJson(text: string, values = Infinity): unknown {
  const size = new JsonSize({ values: Infinity, depth: MAX_DEPTH });
  try {
    size.push(Buffer.from(text));
  } catch (error) {
    if (error instanceof JsonBoundsError) throw new RangeError(`JSON nested more than ${MAX_DEPTH} deep`);
    throw error;
  }
  if (size.count > values) throw new RangeError(`JSON of more than ${values} values`);
  return JSON.parse(text);
}

/** Parses trusted JSON, or JSON whose depth the caller has bounded; undefined for invalid JSON. */
export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
