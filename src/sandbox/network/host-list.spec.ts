import fc from 'fast-check';
import { canonicalAddress, isPublic } from './addresses.js';
import { HostList, parseTarget } from './host-list.js';

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const name = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));

describe('HostList', () => {
  const list = HostList.parse([
    'example.org',
    '*.example.net',
    'git.example.com:8443',
    '10.0.0.5',
    '[::1]:8080',
  ]);
  const allows = (authority: string): boolean => {
    const target = parseTarget(authority);
    return target !== undefined && list.allows(target);
  };

  it('allows names, names below one, and addresses, with their ports', () => {
    const allowed = ['example.org:443', 'EXAMPLE.ORG.:80', 'a.example.net:443', 'a.b.example.net:80'];
    for (const text of [...allowed, 'git.example.com:8443', '10.0.0.5:80', '[::1]:8080', '[0:0::1]:8080'])
      expect([text, allows(text)]).toEqual([text, true]);
    const others = ['example.org:22', 'www.example.org:443', 'example.net:443', 'xexample.net:443'];
    const more = [
      'example.org.evil.test:443',
      'git.example.com:443',
      '10.0.0.6:80',
      '[::1]:80',
      '[::2]:8080',
    ];
    for (const text of [...others, ...more]) expect([text, allows(text)]).toEqual([text, false]);
  });

  it('allows exactly the names that are listed, and those below a wildcard', () => {
    fc.assert(
      fc.property(name, name, fc.constantFrom(80, 443, 8080), (listed, asked, port) => {
        const target = { host: asked, isAddress: false, port };
        const isWeb = port !== 8080;
        expect(HostList.parse([listed]).allows(target)).toBe(listed === asked && isWeb);
        expect(HostList.parse([`*.${listed}`]).allows(target)).toBe(asked.endsWith(`.${listed}`) && isWeb);
        expect(HostList.parse([`${listed}:8080`]).allows(target)).toBe(listed === asked && port === 8080);
      }),
    );
  });

  it.each([
    '',
    '*',
    '*.',
    '*.10.0.0.5',
    'a b',
    'http://example.org',
    'example.org:0',
    'example.org:99999',
    '127.1',
    '0x7f.1',
    'a..b',
  ])('rejects the entry "%s"', (entry) => expect(() => HostList.parse([entry])).toThrow(RangeError));
});

describe('parseTarget', () => {
  it('never returns anything but a plain name or an address, and a port', () => {
    const part = fc.constantFrom(
      'example',
      '.org',
      '127.0.0.1',
      '[::1]',
      ':443',
      ':',
      '@',
      '/',
      '%2e',
      '\0',
      '\r\n',
      ' ',
      '..',
    );
    const text = fc.oneof(
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (authority) => {
        const target = parseTarget(authority);
        if (!target) return;
        expect(target.port).toBeGreaterThan(0);
        expect(target.port).toBeLessThan(65_536);
        expect(target.host).toMatch(
          target.isAddress ? /^[0-9a-f.:]+$/ : /^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    'example.org',
    'user@example.org:80',
    '2130706433:80',
    '0177.0.0.1:80',
    '[fe80::1%25eth0]:80',
    '[1.2.3.4]:80',
    'a'.repeat(300) + ':80',
  ])('rejects %s', (text) => expect(parseTarget(text)).toBeUndefined());
});

describe('isPublic', () => {
  it('knows addresses that are not on the public internet, in all spellings', () => {
    const inside = [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '172.31.0.1',
      '192.168.1.1',
      '100.100.100.200',
      '0.0.0.0',
      '168.63.129.16',
    ];
    const inside6 = [
      '::1',
      '::',
      'fe80::1',
      'fd00:ec2::254',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '::127.0.0.1',
    ];
    for (const text of [...inside, ...inside6])
      expect([text, isPublic(canonicalAddress(text) ?? '')]).toEqual([text, false]);
    for (const text of ['93.184.215.14', '1.1.1.1', '2606:4700:4700::1111'])
      expect(isPublic(text)).toBe(true);
  });
});
