import fc from 'fast-check';
import { KnownSecrets } from './index.js';

/** Few different characters, so that secrets share beginnings and contain each other. */
const secret = fc.string({ unit: fc.constantFrom('a', 'b', '"'), minLength: 6, maxLength: 12 });

/** Slow and obvious: each stretch that secrets cover becomes one mask. */
function maskedByHand(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap((it) => [it, it.replaceAll('"', '\\"'), it.replaceAll('"', '%22')]);
  const covered = new Set<number>();
  for (const form of forms) {
    for (let start = text.indexOf(form); start !== -1; start = text.indexOf(form, start + 1)) {
      for (let at = start; at < start + form.length; at += 1) covered.add(at);
    }
  }
  const marked = Array.from(text, (character, at) => (covered.has(at) ? '\0' : character)).join('');
  return marked.replace(/\0+/g, '**********');
}

describe('KnownSecrets', () => {
  it('masks secrets, including those escaped for JSON or URLs, and nothing else', () => {
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

  it('does not mask texts of fewer than six characters', () => {
    expect(new KnownSecrets(['short', '']).mask('a short word')).toBe('a short word');
  });

  it('forgets the least recently seen secrets but never the keys of the server', () => {
    const known = new KnownSecrets(['the-key-of-the-server']);
    known.add(['conversation-secret']);
    for (let i = 0; i < 20_000; i += 1) known.add([`another-secret-${i}`]);
    expect(known.mask('the-key-of-the-server')).toBe('**********');
    expect(known.mask('another-secret-19999')).toBe('**********');
    expect(known.mask('conversation-secret')).toBe('conversation-secret');
  });

  it('adds thousands of secrets that begin and end alike without delay', () => {
    const start = performance.now();
    const known = new KnownSecrets();
    for (let i = 0; i < 5000; i += 1) {
      known.add([`secret-${'x'.repeat(i % 100)}-${i}-secret`]);
      known.mask('a line of the log with secret-xxx-3-secret in it');
    }
    expect(known.mask(`secret-xxx-3-secret and ${'x'.repeat(100_000)}`)).toMatch(/^\*{10} and x+$/);
    // It took minutes where those that end alike were sorted and compared one by one; usual is a second.
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
