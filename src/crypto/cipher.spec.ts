import fc from 'fast-check';
import { Cipher, isToken } from './index.js';

/** Made by another Fernet implementation with the key `persist-key-1`. */
const TOKEN =
  'gAAAAABrBZTZFtKhFWpqkr-dZ3AijAGJmvvSAvYoFACUqROXDy4ridOCLwui8zO68HfaNGiPmb8A4r_GgJS2UssdIrYtxOaKdA==';

describe('Cipher', () => {
  it('decrypts a token of another implementation', () => {
    expect(new Cipher('persist-key-1').decrypt(TOKEN)).toBe('s3cr3t-val');
  });

  it('decrypts with a previous key and encrypts with the current one', () => {
    const cipher = new Cipher('new', ['other', 'persist-key-1']);
    expect(cipher.decrypt(TOKEN)).toBe('s3cr3t-val');
    expect(new Cipher('new').decrypt(cipher.encrypt('text'))).toBe('text');
  });

  it('decrypts nothing without a key, with another key, or after a change', () => {
    expect(new Cipher(null).decrypt(TOKEN)).toBeUndefined();
    expect(new Cipher('persist-key-2').decrypt(TOKEN)).toBeUndefined();
    const cipher = new Cipher('persist-key-1');
    for (let at = 8; at < TOKEN.length - 4; at += 7) {
      const changed = TOKEN.slice(0, at) + (TOKEN[at] === 'A' ? 'B' : 'A') + TOKEN.slice(at + 1);
      expect(cipher.decrypt(changed)).toBeUndefined();
    }
  });

  it('does not encrypt without a current key', () => {
    expect(() => new Cipher(null, ['old']).encrypt('text')).toThrow('no secret key');
    expect(new Cipher(null, ['persist-key-1']).decrypt(TOKEN)).toBe('s3cr3t-val');
  });

  it('decrypts what it encrypted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, key) => {
        const cipher = new Cipher(key);
        const token = cipher.encrypt(text);
        expect(isToken(token)).toBe(true);
        expect(cipher.decrypt(token)).toBe(text);
      }),
    );
  });

  it('rejects text that is not a token', () => {
    const cipher = new Cipher('key');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `gAAAAA${text}`),
        ),
        (text) => {
          expect(cipher.decrypt(text)).toBeUndefined();
        },
      ),
    );
  });
});
