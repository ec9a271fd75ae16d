import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { Cipher, FileSecrets, KnownSecrets, MASK, restoreMasked } from './index.js';

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

  it('gives back what it sealed, with a key', () => {
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

  it('gives it back without a key, as long as it lives', () => {
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

  it('does not hand a remembered key to another model', () => {
    const mine = secrets(null);
    const sealed = mine.seal('f', { llm: { model: 'a', api_key: 'hush-key' } });
    const api_key: unknown = Reflect.get(Object(sealed['llm']), 'api_key');
    const changed = { llm: { model: 'b', api_key } };
    expect(mine.open('f', changed).value).toEqual({ llm: { model: 'b', api_key: null } });
  });

  it('leaves headers and addresses of models as other programs read them', () => {
    const llm = { base_url: 'https://me:pw@host/v1', extra_headers: { Authorization: 'Bearer x' } };
    expect(secrets('k').seal('f', { llm })).toEqual({ llm });
    expect(secrets(null).seal('f', { llm })).toEqual({
      llm: { base_url: `https://${MASK}@host/v1`, extra_headers: { Authorization: MASK } },
    });
  });

  it('restores what comes back masked, and drops what was never there', () => {
    const stored = { llm: { api_key: 'k' }, mcp_config: { a: { env: { T: 'v' } } } };
    const given = { llm: { api_key: MASK }, mcp_config: { a: { env: { T: MASK, U: MASK } } } };
    expect(restoreMasked(given, stored)).toEqual(stored);
  });
});
