import fc from 'fast-check';
import { newShareId, ShareTokens, type ShareClaims } from './share-token.js';

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;
const tokens = new ShareTokens({ secret_key: 'a secret key', previous_secret_keys: [] });

const claims: fc.Arbitrary<ShareClaims> = fc.record({
  conversationId: fc.uuid(),
  shareId: fc.constant(0).map(newShareId),
  expiresAt: fc.integer({ min: SECONDS + 1, max: 0xffff_ffff }),
});
/** Characters of tokens, and some others. */
const letter = fc.constantFrom('A', 'B', 'a', '0', '1', '_', '-', '.', '=', ' ', 'ä');

describe('ShareTokens', () => {
  it('reads what it has written, until it has expired', () => {
    fc.assert(
      fc.property(claims, (given) => {
        const token = tokens.write(given);
        expect(tokens.read(token, NOW)).toEqual(given);
        expect(tokens.read(token, given.expiresAt * 1000 - 1)).toEqual(given);
        expect(tokens.read(token, given.expiresAt * 1000)).toBeUndefined();
      }),
    );
  });

  it('refuses a token of which any character was changed, added or removed', () => {
    fc.assert(
      fc.property(claims, fc.nat(200), letter, fc.constantFrom(0, 1), (given, place, other, removed) => {
        const token = tokens.write(given);
        const at = place % (token.length + 1);
        const changed = token.slice(0, at) + other + token.slice(at + removed);
        fc.pre(changed !== token);
        expect(tokens.read(changed, NOW)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('refuses tokens that are joined from two valid ones', () => {
    fc.assert(
      fc.property(claims, claims, fc.nat(88), (one, other, at) => {
        const [first, second] = [tokens.write(one), tokens.write(other)];
        const joined = first.slice(0, at) + second.slice(at);
        fc.pre(joined !== first && joined !== second);
        expect(tokens.read(joined, NOW)).toBeUndefined();
      }),
    );
  });

  it('reads tokens of other servers with the same key and of a replaced key, and no others', () => {
    fc.assert(
      fc.property(claims, (given) => {
        const token = tokens.write(given);
        const same = new ShareTokens({ secret_key: 'a secret key', previous_secret_keys: [] });
        const newer = new ShareTokens({ secret_key: 'new', previous_secret_keys: ['a secret key'] });
        const foreign = new ShareTokens({ secret_key: 'new', previous_secret_keys: [] });
        expect(same.read(token, NOW)).toEqual(given);
        expect(newer.read(token, NOW)).toEqual(given);
        expect(foreign.read(token, NOW)).toBeUndefined();
      }),
    );
  });

  it('reads no text that is no token, and writes none without a key', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(tokens.read(text, NOW)).toBeUndefined()));
    const none = new ShareTokens({ secret_key: null, previous_secret_keys: ['old'] });
    expect(none.enabled).toBe(false);
    expect(
      none.read(tokens.write({ conversationId: newId(), shareId: newShareId(), expiresAt: SECONDS * 2 })),
    ).toBe(undefined);
  });
});

function newId(): string {
  return '280733d3-a9e7-49d7-9ac3-c38121f6f331';
}
