import { dashedUuid } from '../../text/index.js';

const GROUP_STARTS = [0, 9, 14, 19, 24];
const GROUP_LENGTHS = [8, 4, 4, 4, 12];

/** The form that nearly all clients send. */
const USUAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Parses a UUID as pydantic does: 32 hex digits, with dashes, in braces, or as `urn:uuid:`, in any case.
 * Returns it with dashes and in lower case, or pydantic's error text.
 */
export function parseUuid(input: string): { id: string } | { error: string } {
  if (USUAL.test(input)) return { id: input };
  const [inner, bare] = unwrap(input);
  const dashes: number[] = [];
  for (const [index, character] of Array.from(inner).entries()) {
    if (character === '-') dashes.push(index);
    else if (!/^[0-9a-fA-F]$/.test(character)) {
      return { error: `invalid character: found \`${character}\` at ${index}` };
    }
  }
  if (dashes.length === 0 && bare) {
    if (inner.length !== 32) return { error: `invalid length: found ${inner.length}` };
  } else {
    if (dashes.length !== 4) return { error: `invalid group count: expected 5, found ${dashes.length + 1}` };
    const ends = [...dashes, inner.length];
    for (const [group, start] of GROUP_STARTS.entries()) {
      const length = (ends[group] ?? 0) - start;
      const expected = GROUP_LENGTHS[group] ?? 0;
      if (length !== expected) {
        return { error: `invalid group length in group ${group}: expected ${expected}, found ${length}` };
      }
    }
  }
  const hex = inner.replaceAll('-', '').toLowerCase();
  return { id: dashedUuid(hex) };
}

/** The text between braces or after the URN prefix, and whether it had neither. */
function unwrap(input: string): [inner: string, bare: boolean] {
  if (input.startsWith('{') && input.endsWith('}')) return [input.slice(1, -1), false];
  if (input.startsWith('urn:uuid:')) return [input.slice('urn:uuid:'.length), false];
  return [input, true];
}
