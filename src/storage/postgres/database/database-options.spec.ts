import { ConfigError } from '../../../config/index.js';
import { connectionConfig } from './database-options.js';

const PASSWORD = 'hush-hush';

function configOf(query: string, caFile: string | null = null) {
  const url = `postgres://user:${PASSWORD}@db.example:5433/name${query}`;
  return connectionConfig({ url, caFile, poolSize: 5, timeoutMs: 5000 });
}

describe('connectionConfig', () => {
  it.each([
    ['', false],
    ['?sslmode=disable', false],
    ['?sslmode=require', { rejectUnauthorized: false }],
    ['?sslmode=no-verify', { rejectUnauthorized: false }],
    ['?sslmode=verify-full', { rejectUnauthorized: true }],
    ['?sslrootcert=system', { rejectUnauthorized: true }],
    ['?ssl=true', { rejectUnauthorized: true }],
    ['?ssl=false', false],
    ['?ssl=0&sslmode=verify-full', { rejectUnauthorized: true }],
  ])('understands %s', (query, ssl) => {
    const config = configOf(query);
    if (ssl === false) expect(config.ssl).toBe(false);
    else expect(config.ssl).toMatchObject(ssl);
    // `pg` would prefer it to its options.
    expect(config.connectionString).not.toContain('ssl');
  });

  it('keeps the options of the URL beside its own', () => {
    const { options, connectionString } = configOf('?options=-c%20search_path%3Dmine');
    expect(options).toMatch(/^-c search_path=mine .*statement_timeout=5000/);
    expect(connectionString).not.toContain('search_path');
  });

  it.each([
    ['a mode that may fall back to no encryption', () => configOf('?sslmode=prefer'), 'sslmode to be'],
    [
      'authorities without encryption',
      () => configOf('?sslmode=disable', 'ca.pem'),
      'as authorities are given',
    ],
    ['authorities without encryption (ssl)', () => configOf('?ssl=0', 'ca.pem'), 'as authorities are given'],
    ['another switch', () => configOf('?ssl=perhaps'), 'ssl to be true or false'],
    ['authorities without a certificate', () => configOf('', 'package.json'), 'certificates in PEM'],
    ['a key that is none', () => configOf('?sslmode=require&sslkey=package.json'), 'sslcert and sslkey'],
    [
      'an unknown negotiation',
      () => configOf('?sslmode=require&sslnegotiation=mine'),
      'sslnegotiation to be',
    ],
    ['authorities that cannot be read', () => configOf('', '/missing/ca.pem'), 'a file in PEM'],
    [
      'a URL of something else',
      () => connectionConfig({ url: `mysql://u:${PASSWORD}@h/d`, caFile: null, poolSize: 5, timeoutMs: 1 }),
      'a URL such as postgres://',
    ],
    [
      'no URL',
      () => connectionConfig({ url: `host=h password=${PASSWORD}`, caFile: null, poolSize: 5, timeoutMs: 1 }),
      'a URL such as postgres://',
    ],
  ])('refuses %s and names no password', (_, make, reason) => {
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(reason);
    expect(String(error)).not.toContain(PASSWORD);
  });
});
