import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { checkSignature, type SignatureRule, type SignatureScheme } from './signatures.js';

const NOW = Date.parse('2026-07-01T12:00:00Z');
const SECONDS = String(NOW / 1000);
const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const SECRET = `whsec_${KEY.toString('base64')}`;
const BODY = Buffer.from('{"type":"build"}');

type Headers = Record<string, string>;

function check(scheme: SignatureScheme, headers: Headers, { body = BODY, secret = SECRET, now = NOW } = {}) {
  const rule: SignatureRule = { scheme, secret, header: 'X-Signature-256' };
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return checkSignature(rule, { body, header: (name) => lower.get(name.toLowerCase()) }, now);
}

function hex(key: string | Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

function standard(id: string, seconds: string, body = BODY.toString()): string {
  return `v1,${createHmac('sha256', KEY).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

/** Valid deliveries of each scheme. */
const VALID: readonly (readonly [string, SignatureScheme, Headers])[] = [
  ['an HMAC', 'hmac_sha256_hex', { 'X-Signature-256': hex(SECRET, BODY.toString()) }],
  [
    'an HMAC with a prefix',
    'hmac_sha256_hex',
    { 'X-Signature-256': `sha256=${hex(SECRET, BODY.toString())}` },
  ],
  ["GitHub's", 'github', { 'X-Hub-Signature-256': `sha256=${hex(SECRET, BODY.toString())}` }],
  ["GitLab's secret", 'gitlab', { 'X-Gitlab-Token': SECRET }],
  [
    "GitLab's signing token",
    'gitlab',
    { 'webhook-id': 'm1', 'webhook-timestamp': SECONDS, 'webhook-signature': standard('m1', SECONDS) },
  ],
  [
    'one of several of Standard Webhooks',
    'standard_webhooks',
    {
      'webhook-id': 'm1',
      'webhook-timestamp': SECONDS,
      'webhook-signature': `v1a,AAAA v1,AAAA ${standard('m1', SECONDS)}`,
    },
  ],
  [
    "Slack's",
    'slack_v0',
    {
      'X-Slack-Request-Timestamp': SECONDS,
      'X-Slack-Signature': `v0=${hex(SECRET, `v0:${SECONDS}:${BODY.toString()}`)}`,
    },
  ],
];

describe('signatures of deliveries', () => {
  it.each(VALID)('accept %s signature', (_name, scheme, headers) => {
    expect(check(scheme, headers)).toBeUndefined();
  });

  it.each(VALID)('refuse %s signature with another secret', (_name, scheme, headers) => {
    const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
    expect(check(scheme, headers, { secret })).toBe('The signature does not match.');
  });

  it.each(VALID)('refuse a delivery without one of the headers of %s signature', (_name, scheme, headers) => {
    for (const name of Object.keys(headers)) {
      const { [name]: _removed, ...rest } = headers;
      expect(check(scheme, rest)).toMatch(/is missing/);
    }
  });

  it.each(VALID.filter(([, scheme]) => scheme !== 'gitlab'))(
    'refuse another body with %s signature',
    (_name, scheme, headers) => {
      fc.assert(
        fc.property(fc.string(), (text) => {
          fc.pre(text !== BODY.toString());
          expect(check(scheme, headers, { body: Buffer.from(text) })).toBe('The signature does not match.');
        }),
        { numRuns: 30 },
      );
    },
  );

  it.each([
    ['standard_webhooks', 'webhook-timestamp'],
    ['slack_v0', 'X-Slack-Request-Timestamp'],
  ] as const)('refuse a delivery of %s that is too old, too new, or without a time', (scheme, header) => {
    const headers = VALID.find((each) => each[1] === scheme)?.[2] ?? {};
    expect(check(scheme, headers, { now: NOW + 299_000 })).toBeUndefined();
    expect(check(scheme, headers, { now: NOW + 301_000 })).toMatch(/more than 300 seconds/);
    expect(check(scheme, headers, { now: NOW - 301_000 })).toMatch(/more than 300 seconds/);
    expect(check(scheme, { ...headers, [header]: '1e9' })).toMatch(/no number of seconds/);
  });

  it('refuse whatever else stands in their headers', () => {
    const names = ['X-Signature-256', 'X-Hub-Signature-256', 'X-Gitlab-Token', 'X-Slack-Signature'];
    fc.assert(
      fc.property(fc.constantFrom(...VALID), fc.string(), ([, scheme], text) => {
        const headers = Object.fromEntries(names.map((name) => [name, text]));
        const times = {
          'webhook-id': 'x',
          'webhook-timestamp': SECONDS,
          'X-Slack-Request-Timestamp': SECONDS,
        };
        expect(check(scheme, { ...headers, ...times })).toEqual(expect.any(String));
      }),
      { numRuns: 100 },
    );
  });
});
