import fc from 'fast-check';
import { findUnique } from './find-text.js';
import { normaliseLineEnds, SourceText, splitLines } from './source-text.js';
import { decodeText, encodeText } from './text-file.js';

const rawText = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z]{0,3}$/), fc.constantFrom('\n', '\r\n', '')))
  .map((lines) => lines.flat().join(''));

describe('SourceText', () => {
  it('replaces a range and leaves the rest of the file unchanged', () => {
    const unixText = fc
      .array(fc.constantFrom('a', 'b', '\n', '\n\n'), { maxLength: 5 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(rawText, unixText, fc.nat(), fc.nat(), (raw, replacement, a, b) => {
        const source = new SourceText(raw);
        const [start = 0, end = 0] = [a, b].map((at) => at % (source.text.length + 1)).sort((x, y) => x - y);
        const edited = source.splice(start, end, replacement);
        const seen = source.text.slice(0, start) + replacement + source.text.slice(end);
        expect(edited.text).toBe(seen);
        const before = new SourceText(raw).splice(start, source.text.length, '').raw;
        const after = new SourceText(raw).splice(0, end, '').raw;
        expect(edited.raw.startsWith(before)).toBe(true);
        expect(edited.raw.endsWith(after)).toBe(true);
      }),
    );
  });

  it('splits lines', () => {
    expect(splitLines('')).toEqual([]);
    expect(splitLines('\n')).toEqual(['']);
    expect(splitLines('a\n\n')).toEqual(['a', '']);
    expect(splitLines('a')).toEqual(['a']);
    expect(normaliseLineEnds('a\r\nb\rc\n\r')).toBe('a\nb\nc\n\n');
  });
});

describe('findUnique', () => {
  it('takes linear time for long lines and long searched texts', () => {
    const started = performance.now();
    expect(findUnique('ab'.repeat(500_000), 'ab')).toMatchObject({ kind: 'ambiguous', lines: [1] });
    const half = 'a'.repeat(200_000);
    expect(findUnique('a'.repeat(1_000_000), `${half}b${half}`)).toMatchObject({ kind: 'missing' });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('finds the same as a naive search', () => {
    const word = fc
      .array(fc.constantFrom('a', 'b', '\n', ' '), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        word,
        word.filter((text) => text !== ''),
        (text, searched) => {
          const found = findUnique(text, searched);
          const wanted = text.includes(searched) ? searched : searched.trim();
          const count = wanted === '' ? 0 : text.split(wanted).length - 1;
          expect(found.kind).toBe(count === 0 ? 'missing' : count === 1 ? 'found' : 'ambiguous');
          if (found.kind === 'found') {
            expect(text.slice(found.start, found.end)).toBe(wanted);
            expect(found.line).toBe(text.slice(0, found.start).split('\n').length);
          }
          if (found.kind === 'ambiguous') {
            const pieces = text.split(wanted).slice(0, -1);
            const lines = pieces.map(
              (_, index) =>
                pieces
                  .slice(0, index + 1)
                  .join(wanted)
                  .split('\n').length,
            );
            expect(found.lines).toEqual([...new Set(lines)]);
          }
        },
      ),
    );
  });
});

describe('decodeText', () => {
  it('is inverted by encodeText for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        const bytes = Buffer.from(array);
        const decoded = decodeText(bytes);
        if (decoded) expect(encodeText(decoded.raw, decoded.encoding)).toEqual(bytes);
      }),
    );
  });

  it('decodes every encoded text', () => {
    const encoding = fc.constantFrom(
      { name: 'utf-8', bom: false } as const,
      { name: 'utf-8', bom: true } as const,
      { name: 'utf-16le', bom: true } as const,
      { name: 'utf-16be', bom: true } as const,
    );
    const printable = fc.string({ unit: 'grapheme' }).filter((text) => !text.startsWith('\ufeff'));
    fc.assert(
      fc.property(printable, encoding, (text, stored) => {
        expect(decodeText(encodeText(text, stored))?.raw).toBe(text);
      }),
    );
  });
});
