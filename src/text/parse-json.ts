/** How deep lists and objects may lie in each other: no file that people write comes near it. */
const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parses JSON that nobody vouches for. `JSON.parse` takes any depth, but whoever walks through the value
 * afterwards needs stack for each level of it.
 * @param text of a size that the caller has bounded
 * @throws SyntaxError as `JSON.parse` does, RangeError for lists and objects nested more than 64 deep
 */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new RangeError(`JSON nested more than ${MAX_DEPTH} deep`);
  return JSON.parse(text);
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inText = false;
      continue;
    }
    if (code === QUOTE) inText = true;
    else if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
