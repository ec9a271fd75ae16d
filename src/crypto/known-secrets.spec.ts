import fc from 'fast-check';
import { KnownSecrets } from './index.js';

/** Few different characters, so that secrets share beginnings and contain each other. */
const secret = fc.string({ unit: fc.constantFrom('a', 'b', '"'), minLength: 6, maxLength: 12 });

/** Slow and obvious: from the end, at each position the longest secret that ends there. */
function maskedByHand(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap((it) => [it, it.replaceAll('"', '\\"'), it.replaceAll('"', '%22')]);
  const longestFirst = forms.sort((a, b) => b.length - a.length);
  let masked = '';
  for (let end = text.length; end > 0;) {
    const found = longestFirst.find((it) => text.endsWith(it, end));
    masked = (found === undefined ? text.charAt(end - 1) : '**********') + masked;
    end -= found?.length ?? 1;
  }
  return masked;
}

describe('KnownSecrets', () => {
  it('masks each secret, also where it is escaped for JSON or a URL, and nothing else', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\"', '%22', ' '), maxLength: 80 });
    fc.assert(
      fc.property(fc.array(secret), fc.array(secret), text, (own, added, around) => {
        const known = new KnownSecrets(own);
        known.add(added);
        const full = [around, ...own, ...added, around].join('b');
        expect(known.mask(full)).toBe(maskedByHand(full, [...own, ...added]));
      }),
    );
  });

  it('leaves texts alone that are too short to be told from words', () => {
    expect(new KnownSecrets(['short', '']).mask('a short word')).toBe('a short word');
  });

  it('forgets what it has not seen for long, but never the keys of the server', () => {
    const known = new KnownSecrets(['the-key-of-the-server']);
    known.add(['conversation-secret']);
    for (let i = 0; i < 20_000; i += 1) known.add([`another-secret-${i}`]);
    expect(known.mask('the-key-of-the-server')).toBe('**********');
    expect(known.mask('another-secret-19999')).toBe('**********');
    expect(known.mask('conversation-secret')).toBe('conversation-secret');
  });
});
