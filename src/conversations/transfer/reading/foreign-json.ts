import { parseJson } from '../../../json/index.js';

/** So many values take about 300 ms. A conversation of a thousand calls of models has a tenth of them. */
const MAX_VALUES = 500_000;

/**
 * Parses JSON that another program has written, or somebody has made up.
 * @throws SyntaxError, RangeError for too many levels or values
 */
export function parseForeign(text: string): unknown {
  return parseJson(text, MAX_VALUES);
}

/** The same; undefined for what cannot be parsed. */
export function tryParseForeign(text: string): unknown {
  try {
    return parseForeign(text);
  } catch {
    return undefined;
  }
}
