import fc from 'fast-check';
import { originInUrl, parseHost, parseOrigin, parseWrittenOrigin } from './web-origin.js';

const HOSTNAME = fc.oneof(
  fc.domain(),
  fc.constant('localhost'),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
);
const SCHEME = fc.constantFrom('http', 'https');
const PORT = fc.option(fc.integer({ min: 1, max: 65_535 }));
/** An address as people and programs write it, and what makes it another one. */
const ODD = fc.constantFrom(
  '\\',
  '/',
  '?',
  '#',
  '@',
  ':',
  '.',
  '%',
  '\t',
  '\n',
  ' ',
  '[',
  ']',
  '%2f',
  '。',
  'ß',
);

describe('parseOrigin', () => {
  it('accepts origins of browsers in any case, with or without a default port', () => {
    fc.assert(
      fc.property(SCHEME, HOSTNAME, PORT, fc.boolean(), (scheme, hostname, port, upper) => {
        const url = `${scheme}://${hostname}${port === null ? '' : `:${port}`}`;
        // As a browser serialises it.
        const { origin } = new URL(url);
        const sent = origin + (port === null || new URL(url).port !== '' ? '' : `:${port}`);
        expect(parseOrigin(upper ? sent.toUpperCase() : sent)).toMatchObject({
          serialised: origin,
          protocol: `${scheme}:`,
          hostname: new URL(url).hostname,
        });
      }),
    );
  });

  it('refuses text that a URL parser would have to change', () => {
    const part = fc.oneof(
      ODD,
      fc.constantFrom('localhost', 'evil.example', '80', 'user', 'null'),
      fc.string(),
    );
    fc.assert(
      fc.property(SCHEME, fc.array(part, { maxLength: 6 }), (scheme, parts) => {
        const text = `${scheme}://${parts.join('')}`;
        const origin = parseOrigin(text);
        if (origin === undefined) return;
        const lower = text.toLowerCase();
        expect([origin.serialised, `${origin.serialised}:80`, `${origin.serialised}:443`]).toContain(lower);
        expect(new URL(text).origin).toBe(origin.serialised);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    'null',
    '',
    'localhost',
    'http://',
    'http:localhost',
    'http:/localhost',
    'http:///localhost',
    'http:\\\\localhost',
    'http://localhost\\.evil.example',
    'http://localhost\\',
    'http://localhost/',
    'http://localhost?',
    'http://localhost#',
    'http://@localhost',
    'http://localhost@evil.example',
    'http://localhost:80:evil',
    'http://localhost:',
    'http://localhost:080',
    'http://localhost:99999',
    'https://localhost:80x',
    'http://local\thost',
    ' http://localhost',
    'http://localhost ',
    'http://localhost, http://evil.example',
    'http://127.1',
    'http://0x7f000001',
    'http://2130706433',
    'http://%6cocalhost',
    'http://bücher.example',
    'http://localhost。evil.example',
    'http://[::1',
    'http://[0:0:0:0:0:0:0:1]',
    'http://::1',
    'file://localhost',
    'blob:http://localhost',
    'javascript:alert(1)',
    `http://${'a'.repeat(600)}.example`,
  ])('takes %j for no origin', (text) => expect(parseOrigin(text)).toBeUndefined());

  it.each([
    ['http://localhost.', 'localhost.'],
    ['http://localhost.evil.example', 'localhost.evil.example'],
    ['http://[::1]:3000', '[::1]'],
    ['https://xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['tauri://localhost', 'localhost'],
    ['chrome-extension://abcdefgh', 'abcdefgh'],
  ])('reads the host name of %j', (text, hostname) => expect(parseOrigin(text)?.hostname).toBe(hostname));
});

describe('parseHost', () => {
  it('removes the default port of the protocol', () => {
    expect(parseHost('Example.com:443', 'https:')?.host).toBe('example.com');
    expect(parseHost('example.com:443')?.host).toBe('example.com:443');
    expect(parseHost('[::1]:8000')).toMatchObject({ host: '[::1]:8000', hostname: '[::1]' });
  });

  it.each(['', 'a b', 'user@localhost', 'localhost/', 'localhost\\', 'localhost#', ':80'])(
    'takes %j for no host',
    (text) => expect(parseHost(text)).toBeUndefined(),
  );
});

describe('parseWrittenOrigin', () => {
  it.each([
    ['https://Good.Example/', 'https://good.example'],
    [' https://good.example:443// ', 'https://good.example'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['tauri://localhost/', 'tauri://localhost'],
  ])('reads %j as %s', (text, serialised) => expect(parseWrittenOrigin(text)?.serialised).toBe(serialised));

  it.each(['good.example', 'https://good.example/path', 'https://user@good.example', 'https://x?y', '*'])(
    'takes %j for no origin',
    (text) => expect(parseWrittenOrigin(text)).toBeUndefined(),
  );
});

describe('originInUrl', () => {
  it('ignores the rest of the URL', () => {
    expect(originInUrl('https://me:secret@Apps.Example:8443/below?x#y')?.serialised).toBe(
      'https://apps.example:8443',
    );
  });
});
