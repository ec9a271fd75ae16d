import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import {
  Cipher,
  ENCRYPTED_PLACES,
  FileSecrets,
  isToken,
  KnownSecrets,
  MASK,
  restoreMasked,
} from './index.js';

const secrets = (key: string | null, former: string[] = []) =>
  new FileSecrets(new Cipher(key, former), new KnownSecrets());
const word = fc.string({ minLength: 1 }).filter((text) => text.trim() !== '' && text !== MASK);

describe('FileSecrets', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });

  const agent = fc.record({
    llm: fc.record({ model: fc.string(), api_key: fc.option(word), aws_session_token: fc.option(word) }),
    mcp_config: fc.dictionary(
      fc.string(),
      fc.record({ command: fc.string(), env: fc.dictionary(fc.string(), word) }),
    ),
    agent_context: fc.record({ secrets: fc.dictionary(fc.string(), word) }),
  });

  it('decrypts what it encrypted with a key', () => {
    fc.assert(
      fc.property(agent, (value) => {
        const sealed = secrets('k').seal('f', value);
        expect(secrets('k').open('f', sealed)).toMatchObject({ value, unopened: [] });
        expect(secrets('n', ['k']).open('f', sealed).value).toEqual(value);
        if (JSON.stringify(sealed) !== JSON.stringify(value)) {
          expect(secrets('other').open('f', sealed).unopened).not.toEqual([]);
        }
      }),
    );
  });

  it('remembers secrets without a key until the process ends', () => {
    fc.assert(
      fc.property(agent, (value) => {
        const mine = secrets(null);
        const sealed = mine.seal('f', value);
        expect(mine.open('f', sealed).value).toEqual(value);
        expect(mine.open('f', mine.seal('f', mine.open('f', sealed).value, sealed)).value).toEqual(value);
        expect(secrets(null).open('f', sealed).value['llm']).toEqual({
          ...{ ...value.llm, api_key: null, aws_session_token: null },
        });
      }),
    );
  });

  it('does not give a remembered key to another model', () => {
    const mine = secrets(null);
    const sealed = mine.seal('f', { llm: { model: 'a', api_key: 'hush-key' } });
    const api_key: unknown = Reflect.get(Object(sealed['llm']), 'api_key');
    const changed = { llm: { model: 'b', api_key } };
    expect(mine.open('f', changed).value).toEqual({ llm: { model: 'b', api_key: null } });
  });

  const shared = {
    llm: {
      ...{ model: 'm', base_url: 'https://me:pw-hush@host/v1' },
      extra_headers: { Authorization: 'Bearer hush', 'X-Tenant/a~b': 'hush-tenant' },
      litellm_extra_body: { api_key: 'hush-body', user: 'plain' },
    },
    agent_context: {
      secrets: { L: { kind: 'LookupSecret', url: 'https://l', headers: { 'X-Plain': 'hush-l' } } },
    },
  };
  /** What other programs find: nothing that they would take for a value. */
  const emptied = {
    llm: {
      model: 'm',
      base_url: 'https://@host/v1',
      extra_headers: {},
      litellm_extra_body: { user: 'plain' },
    },
    agent_context: { secrets: { L: { kind: 'LookupSecret', url: 'https://l', headers: {} } } },
  };

  it('hides secrets whose places other programs read as plain text', () => {
    const { [ENCRYPTED_PLACES]: tokens, ...seen } = secrets('k').seal('f', shared);
    expect(seen).toEqual(emptied);
    expect(Object.values(tokens ?? {}).every((token) => isToken(String(token)))).toBe(true);
    const stored = { ...seen, [ENCRYPTED_PLACES]: tokens };
    expect(secrets('k').open('f', stored)).toMatchObject({ value: shared, unopened: [] });
    expect(secrets('n', ['k']).open('f', stored).value).toEqual(shared);
    const mine = secrets(null);
    expect(mine.seal('f', shared)).toEqual(emptied);
    expect(mine.open('f', emptied).value).toEqual(shared);
  });

  it('reads plain text of another program and encrypts it with the next change', () => {
    const opened = secrets('k').open('f', shared).value;
    expect(opened).toEqual(shared);
    expect(JSON.stringify(secrets('k').seal('f', opened, shared))).not.toContain('hush');
  });

  it('keeps secrets that no key decrypts, also through a change', () => {
    const stored = secrets('k').seal('f', shared);
    for (const other of [secrets('other'), secrets(null)]) {
      const { value, unopened } = other.open('f', stored);
      expect(value).toEqual(emptied);
      expect(unopened).toHaveLength(5);
      const changed = other.seal('f', { ...value, more: 1 }, stored);
      expect(secrets('k').open('f', changed).value).toEqual({ ...shared, more: 1 });
    }
  });

  it('does not give a header to another receiver', () => {
    const stored = secrets('k').seal('f', { llm: { model: 'a', extra_headers: { X: 'hush' } } });
    const moved = { ...stored, llm: { model: 'a', base_url: 'https://other', extra_headers: null } };
    expect(JSON.stringify(secrets('k').open('f', moved).value)).not.toContain('hush');
    expect(secrets('k').open('f', { ...stored, llm: { model: 'a' } }).value).toEqual({
      llm: { model: 'a', extra_headers: { X: 'hush' } },
    });
    const removed = secrets('k').seal('f', { llm: { model: 'a', extra_headers: {} } }, stored);
    expect(removed).toEqual({ llm: { model: 'a', extra_headers: {} } });
  });

  it('restores masked secrets and omits those without a stored value', () => {
    const stored = { llm: { api_key: 'k' }, mcp_config: { a: { env: { T: 'v' } } } };
    const given = { llm: { api_key: MASK }, mcp_config: { a: { env: { T: MASK, U: MASK } } } };
    expect(restoreMasked(given, stored)).toEqual(stored);
  });
});
