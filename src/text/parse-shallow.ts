/** More levels of lists and objects than any tool needs, and far fewer than a stack bears. */
const MAX_DEPTH = 200;

/**
 * Reads JSON of others that is to be walked through or written again: `JSON.parse` reads any depth,
 * `JSON.stringify` and recursion end with a stack overflow.
 * @throws SyntaxError when it is no JSON, or nests more than 200 levels deep
 */
export function parseShallow(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!isShallow(value, 0)) throw new SyntaxError(`The JSON nests more than ${MAX_DEPTH} levels deep`);
  return value;
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth < MAX_DEPTH && Object.values(value).every((inner) => isShallow(inner, depth + 1));
}
