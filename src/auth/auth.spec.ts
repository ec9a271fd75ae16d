import fc from 'fast-check';
import { AppConfig } from '../config/index.js';
import { isLoopbackOnly, SessionKeys } from './index.js';
import { isLoopback } from './origins/loopback-only.js';

function configWith(keys: string[], hostGiven = false): AppConfig {
  const config = new AppConfig();
  config.session_api_keys = keys;
  config.listen = { host: '0.0.0.0', port: 0, hostGiven };
  return config;
}

describe('SessionKeys', () => {
  it('accepts the configured keys and no other text', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }), fc.string(), (keys, text) => {
        const sessionKeys = new SessionKeys(configWith(keys));
        expect(sessionKeys.required()).toBe(true);
        expect(keys.every((key) => sessionKeys.accepts(key))).toBe(true);
        expect(sessionKeys.accepts(text)).toBe(keys.includes(text));
      }),
    );
  });

  it('requires no key when none is configured', () => {
    expect(new SessionKeys(configWith([])).required()).toBe(false);
  });
});

describe('a server without keys', () => {
  it('serves only its own machine, unless --host or a key is given', () => {
    expect(isLoopbackOnly(configWith([]))).toBe(true);
    expect(isLoopbackOnly(configWith([], true))).toBe(false);
    expect(isLoopbackOnly(configWith(['key']))).toBe(false);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['192.168.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['fe80::1', false],
    ['::ffff:0:1', false],
    ['0.0.0.0', false],
    [undefined, false],
  ])('treats %s as a loopback address: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
  });
});
