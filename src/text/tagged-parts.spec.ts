import fc from 'fast-check';
import { taggedParts } from './tagged-parts.js';

describe('taggedParts', () => {
  it('splits like an expression with a lazy quantifier', () => {
    const piece = fc.constantFrom('<a>', '</a>', '<', 'a>', 'x', '\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('');
        const { inside, outside } = taggedParts(text, '<a>', '</a>');
        expect(inside).toEqual([...text.matchAll(/<a>([^]*?)<\/a>/g)].map(([, found]) => found));
        expect(outside.join('')).toBe(text.replace(/<a>[^]*?<\/a>/g, ''));
      }),
    );
  });
});
