import fc from 'fast-check';
import { AppConfig } from '../../config/index.js';
import { isSameHost, OriginPolicy } from './origin-policy.js';

const API = '/api/conversations';
const FILE = '/api/conversations/00000000-0000-4000-8000-000000000001/workspace/index.html';

function policy(config: Partial<AppConfig> = {}, trustedHost?: string): OriginPolicy {
  return new OriginPolicy(Object.assign(new AppConfig(), config), trustedHost);
}

describe('OriginPolicy', () => {
  it.each([
    ['http://localhost', true],
    ['http://localhost:80', true],
    ['https://LOCALHOST:3000', true],
    ['http://127.0.0.1:1', true],
    ['tauri://localhost', true],
    ['http://172.17.0.1:8080', true],
    ['http://localhost\\.evil.example', false],
    ['http://localhost.evil.example', false],
    ['http://localhost.', false],
    ['http://localhost:80:evil', false],
    ['http://localhost@evil.example', false],
    ['http://evil.example@localhost', false],
    ['http://localhost/', false],
    ['http://evil.example#localhost', false],
    ['http://127.0.0.1.evil.example', false],
    ['http://127.1', false],
    ['null', false],
    ['', false],
  ])('allows only pages of this machine: %j %s', (origin, allowed) => {
    expect(policy({}, '172.17.0.1').allows(origin, API)).toBe(allowed);
  });

  it('allows the trusted host, including an IPv6 address', () => {
    expect(policy({}, 'fd00::1').allows('http://[fd00::1]:3000', API)).toBe(true);
    expect(policy({}, 'fd00::1').allows('http://[fd00::2]:3000', API)).toBe(false);
  });

  it.each([
    ['https://pr-12.good.example', true],
    ['https://PR-12.good.example:443', true],
    ['https://pr-12.good.example:8443', false],
    ['https://pr-12.good.example.evil.example', false],
    ['https://pr-12.good.example\\.evil.example', false],
    ['https://evil.example/pr-12.good.example', false],
    ['https://evil.example?https://pr-12.good.example', false],
    ['https://pr-12.good.example\nhttps://evil.example', false],
    ['xhttps://pr-12.good.example', false],
    ['http://a.example', true],
    ['http://b.example', true],
    ['http://b.example.evil.example', false],
  ])('matches the pattern with the whole origin: %j %s', (origin, allowed) => {
    const regex = 'https://pr-\\d+\\.good\\.example|http://a\\.example|http://b\\.example';
    expect(policy({ allow_cors_origin_regex: regex }).allows(origin, API)).toBe(allowed);
  });

  it('never allows a text whose host is not allowed', () => {
    const odd = fc.constantFrom('\\', '/', '?', '#', '@', ':', '.', '%2e', '\t', ' ', ';', ',', '80', '');
    const allowed = policy({
      allow_cors_origins: ['https://good.example'],
      allow_cors_origin_regex: 'https://[a-z]+\\.good\\.example',
    });
    const name = fc.constantFrom('localhost', '127.0.0.1', 'good.example', 'a.good.example');
    fc.assert(
      fc.property(
        name,
        fc.array(odd, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (host, between, first) => {
          const middle = between.join('');
          const text = `https://${first ? host + middle + 'evil.example' : `evil.example${middle}${host}`}`;
          // With `.` the result is a subdomain of the good or of the evil host; the latter is never allowed.
          const isBelowGood = /^https:\/\/[a-z]+\.good\.example$/.test(text);
          expect(allowed.allows(text, API)).toBe(isBelowGood);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('allows any page for paths with the workspace cookie, but only on a server with a key', () => {
    const [withKey, open] = [policy({ session_api_keys: ['key'] }), policy()];
    for (const path of [FILE, '/api/auth/workspace-session']) {
      expect(withKey.allows('https://any.example', path)).toBe(true);
      expect(open.allows('https://any.example', path)).toBe(false);
      expect(open.allows('http://localhost:3000', path)).toBe(true);
      for (const origin of ['null', 'https://any.example\\', 'app://any'])
        expect(withKey.allows(origin, path)).toBe(false);
    }
    expect(withKey.allows('https://any.example', API)).toBe(false);
  });

  it('never allows pages of canvas back ends, whatever the configuration allows', () => {
    const ingress = 'http://127.0.0.1:8000';
    const generous = policy({
      app_backend_public_url: `${ingress}/`,
      allow_cors_origins: ['*', ingress],
      allow_cors_origin_regex: '.*',
      session_api_keys: ['key'],
    });
    for (const path of [API, FILE]) {
      expect(generous.allows(ingress, path)).toBe(false);
      expect(generous.allows('http://127.0.0.1:8001', path)).toBe(true);
      expect(generous.allows('https://any.example', path)).toBe(true);
    }
    const https = policy({ app_backend_public_url: 'https://apps.example', allow_cors_origins: ['*'] });
    for (const origin of ['https://apps.example', 'https://APPS.example', 'https://apps.example:443'])
      expect(https.allows(origin, API)).toBe(false);
  });
});

describe('isSameHost', () => {
  it.each([
    ['http://box.example:8000', 'box.example:8000', true],
    ['http://box.example', 'BOX.example:80', true],
    ['https://box.example', 'box.example', true],
    ['https://box.example', 'box.example:80', false],
    ['http://box.example', 'box.example:8000', false],
    ['http://box.example\\', 'box.example', false],
    ['http://x@box.example', 'box.example', false],
    ['http://box.example', 'x@box.example', false],
    ['app://box.example', 'box.example', false],
    ['null', 'null', false],
    ['http://box.example', undefined, false],
  ])('returns for %j and %j: %s', (origin, host, same) => expect(isSameHost(origin, host)).toBe(same));
});
