import { isHostUrl, isHttpUrl, parseUrl } from './parse-url.js';

describe('parseUrl', () => {
  // V8 compiles the function after a few thousand calls.
  it('accepts an international host name, however often it is called', () => {
    const refused = Array.from({ length: 50_000 }, () => parseUrl('https://bücher.example')).filter(
      (url) => url?.host !== 'xn--bcher-kva.example',
    );
    expect(refused).toHaveLength(0);
  });

  it('resolves a relative path against the base', () =>
    expect(parseUrl('/b', 'http://localhost/a')?.href).toBe('http://localhost/b'));

  it.each(['', 'a b', '/path', 'https://', 'http://[::1'])('returns undefined for %j', (text) =>
    expect(parseUrl(text)).toBeUndefined(),
  );
});

describe('isHttpUrl', () => {
  it.each(['http://localhost:1', 'HTTPS://example.com/path'])('accepts %j', (text) =>
    expect(isHttpUrl(text)).toBe(true),
  );
  it.each(['ftp://example.com', 'javascript:alert(1)', 'example.com'])('refuses %j', (text) =>
    expect(isHttpUrl(text)).toBe(false),
  );
});

describe('isHostUrl', () => {
  it.each(['http://localhost:1', 'https://example.com/', 'http://[::1]:8000'])('accepts %j', (text) =>
    expect(isHostUrl(text)).toBe(true),
  );
  it.each([
    ...['http://host/path', 'http://host/?a=1', 'http://host?', 'http://host/#a', 'http://user:pass@host'],
    ...['ftp://host', 'host:8000', 'http://'],
  ])('refuses %j', (text) => expect(isHostUrl(text)).toBe(false));
});
