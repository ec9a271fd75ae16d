import fc from 'fast-check';
import { withoutTrailingSlashes } from './trailing-characters.js';

describe('withoutTrailingSlashes', () => {
  it('removes trailing slashes and no others', () => {
    const slashed = fc.array(fc.constantFrom('/', '//', 'a', '\n', 'http:'), { maxLength: 8 });
    fc.assert(
      fc.property(slashed, fc.nat(5), (parts, slashes) => {
        const text = parts.join('');
        const bare = text
          .split('/')
          .reduceRight((rest, part) => (rest === '' ? part : `${part}/${rest}`), '');
        expect(withoutTrailingSlashes(text + '/'.repeat(slashes))).toBe(bare);
      }),
    );
  });
});
