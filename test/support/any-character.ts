import fc from 'fast-check';

const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * Any character of Unicode, as a unit of `fc.string`. The unit `binary` gives the same ones, but builds a map
 * of all 1.1 million characters first, which takes a second of CPU time in each file.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES.count })
  .map(characterAt, indexOf);

function characterAt(index: number): string {
  return String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count);
}

/** The inverse, with which fast-check shortens texts that it did not build from characters. */
function indexOf(character: unknown): number {
  if (typeof character !== 'string') throw new Error('no text');
  const [first, ...others] = character;
  const code = first?.codePointAt(0);
  if (code === undefined || others.length > 0) throw new Error('not one character');
  if (code < SURROGATES.first) return code;
  if (code < SURROGATES.first + SURROGATES.count) throw new Error('half of a pair');
  return code - SURROGATES.count;
}
