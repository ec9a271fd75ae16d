import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { overlay } from './environment.js';
import { effectiveConfig, loadConfig, type Environment } from './index.js';

const FILE = 'workspace/openhands_agent_server_config.json';
const key = fc
  .string({ minLength: 1, maxLength: 8 })
  .filter((text) => text.trim() !== '' && !text.includes('\0'));
const hook = fc.record(
  {
    base_url: fc.constantFrom('http://a.example', 'https://b.example/x?y=1'),
    method: fc.constantFrom('POST', 'PUT', 'PATCH'),
    headers: fc.dictionary(fc.constantFrom('X-A', 'X-B'), key),
    num_retries: fc.nat(9),
    flush_delay: fc.constantFrom(0.5, 1, 30),
  },
  { requiredKeys: ['base_url'] },
);
type Hook = typeof hook extends fc.Arbitrary<infer T> ? T : never;

describe('lists and groups in the environment', () => {
  let cwd: string;
  beforeAll(() => {
    cwd = mkdtempSync(path.join(os.tmpdir(), 'environment-'));
    mkdirSync(path.join(cwd, 'workspace'));
  });
  afterAll(() => rmSync(cwd, { recursive: true }));

  function load(file: unknown, env: Environment) {
    writeFileSync(path.join(cwd, FILE), JSON.stringify(file));
    return loadConfig({ env, cwd }).config;
  }
  const refused = (env: Environment): string => {
    try {
      load({}, env);
      return '';
    } catch (error) {
      return String(error);
    }
  };

  it('overrides items of the lists in the file, whatever their lengths', () => {
    fc.assert(
      fc.property(fc.array(key), fc.array(key), fc.boolean(), (inFile, inEnv, withLength) => {
        const env: Record<string, string> = withLength ? { OH_SESSION_API_KEYS: String(inEnv.length) } : {};
        inEnv.forEach((value, index) => (env[`OH_SESSION_API_KEYS_${index}`] = value));
        const config = load({ session_api_keys: inFile }, env);
        expect(config.session_api_keys).toEqual([...inEnv, ...inFile.slice(inEnv.length)]);
      }),
    );
  });

  it('reads all notations of a list alike', () => {
    fc.assert(
      fc.property(
        fc.array(hook, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(2)),
        (hooks, spellings) => {
          const expected = load({ webhooks: hooks }, {}).webhooks;
          const mixed = hooks.map((item, index) => spell(item, index, spellings[index] ?? 0));
          expect(load({}, { OH_WEBHOOKS: JSON.stringify(hooks) }).webhooks).toEqual(expected);
          expect(load({}, Object.assign({}, ...mixed) as Environment).webhooks).toEqual(expected);
        },
      ),
    );
  });

  it('rejects a list with a gap unless the file fills it', () => {
    const env = { OH_SESSION_API_KEYS_1: 'b' };
    expect(load({ session_api_keys: ['a'] }, env).session_api_keys).toEqual(['a', 'b']);
    expect(refused(env)).toContain('session_api_keys[0]: expected a string, got nothing');
    expect(refused({ OH_WEBHOOKS_2_BASE_URL: 'http://x' })).toContain('webhooks[0]: expected an object');
  });

  it('never opens the server because of a blank key', () => {
    const blank = fc.constantFrom('', ' ', '\t\n');
    const names = ['OH_SESSION_API_KEY', 'OH_SESSION_API_KEYS_0', 'OH_SESSION_API_KEYS_1', 'SESSION_API_KEY'];
    const settings = fc.dictionary(fc.constantFrom(...names), fc.oneof(blank, key), { minKeys: 1 });
    fc.assert(
      fc.property(
        settings,
        fc.constantFrom<object>({}, { session_api_key: '' }, { session_api_keys: [''] }),
        (env, file) => {
          let keys: string[] | undefined;
          try {
            keys = load(file, env).session_api_keys;
          } catch {
            return;
          }
          // Only SESSION_API_KEY may be there and blank: it is what containers pass on when nobody set it.
          const wanted =
            Object.keys(env).some((name) => name !== 'SESSION_API_KEY') || Object.keys(file).length > 0;
          if (wanted || Object.values(env).some((value) => value.trim() !== '')) expect(keys).not.toEqual([]);
          expect(keys.every((value) => value.trim() !== '')).toBe(true);
        },
      ),
    );
  });

  it('accepts the older variable of the session key', () => {
    const config = load({ session_api_key: 'file' }, { OH_SESSION_API_KEY: 'env' });
    expect([config.session_api_keys, config.secret_key]).toEqual([['env'], 'env']);
    expect(refused({ OH_SESSION_API_KEY: '' })).toContain('got an empty string (OH_SESSION_API_KEY)');
  });

  it('does not show passwords in URLs', () => {
    const config = load({ webhooks: [{ base_url: 'https://me:marked@x.example/' }] }, {});
    expect(JSON.stringify(effectiveConfig(config))).toContain('https://***@x.example/');
    expect(refused({ OH_WEB_URL: 'ftp://me:marked@x.example' })).toContain('got "ftp://***@x.example"');
  });

  it('does not show the query of a URL, which may contain a token', () => {
    const config = load({ webhooks: [{ webhook_url: 'https://x.example/in?token=marked#x' }] }, {});
    expect(effectiveConfig(config)['webhooks']).toMatchObject([{ webhook_url: 'https://x.example/in?***' }]);
    expect(refused({ OH_WEB_URL: 'ftp://x.example/?token=marked' })).toContain('got "ftp://x.example/?***"');
  });

  it('names the variable of a missing item', () => {
    expect(refused({ OH_SESSION_API_KEYS_0: 'a', OH_SESSION_API_KEYS_2: 'c' })).toContain(
      'session_api_keys[1]: expected a string, got nothing (OH_SESSION_API_KEYS_1)',
    );
  });

  it.each(['app.example.com', 'localhost:3000', 'https://a.example/path'])(
    'refuse an origin that no browser sends: %j',
    (origin) => {
      expect(refused({ OH_ALLOW_CORS_ORIGINS: JSON.stringify(['https://b.example', origin]) })).toContain(
        `allow_cors_origins[1]: expected an origin like "https://app.example.com", or "*", got "${origin}" (OH_ALLOW_CORS_ORIGINS)`,
      );
    },
  );

  it.each([
    '',
    '*',
    'null',
    'https://a.example/',
    'http://[::1]:80',
    'chrome-extension://abc',
    'HTTPS://A.example',
  ])('take the origin %j', (origin) => {
    expect(load({ allow_cors_origins: [origin] }, {}).allow_cors_origins).toEqual([origin]);
  });
});

/** One item as JSON, field by field, or as JSON with a field over it. */
function spell(item: Hook, index: number, spelling: number): Record<string, string> {
  const name = `OH_WEBHOOKS_${index}`;
  const single = Object.entries(item).map(([field, value]): [string, string] => [
    `${name}_${field.toUpperCase()}`,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  if (spelling === 0) return { [name]: JSON.stringify(item) };
  if (spelling === 1) return Object.fromEntries(single);
  return {
    [name]: JSON.stringify({ ...item, method: 'nonsense' }),
    [`${name}_METHOD`]: item.method ?? 'POST',
  };
}

describe('overlay', () => {
  it('keeps everything of the overriding value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (below, above) => {
        const merged = overlay(below, above);
        expect(overlay(merged, above)).toEqual(merged);
      }),
    );
  });
});
