import fc from 'fast-check';
import {
  Cipher,
  decryptSecrets,
  encryptSecrets,
  hideSecrets,
  isToken,
  maskSecrets,
  openTokens,
  redact,
  secretTexts,
} from './index.js';

const conversation = {
  agent: {
    llm: {
      model: 'openai/x',
      api_key: 'marked-1',
      aws_access_key_id: 'marked-2',
      aws_secret_access_key: 'marked-3',
      aws_session_token: 'marked-4',
      base_url: 'https://marked-16@host/v1',
      custom_tokenizer: 'plain',
      extra_headers: { Authorization: 'marked-5', 'X-Innocent': 'marked-18' },
    },
    condenser: { llm: { model: 'openai/y', api_key: 'marked-6' }, kind: 'LLMSummarizingCondenser' },
    agent_context: { secrets: { CTX: 'marked-7', CTY: { kind: 'StaticSecret', value: 'marked-8' } } },
    mcp_config: {
      web: {
        url: 'http://marked-17@m',
        headers: { 'X-Plain': 'marked-9' },
        auth: { strategy: 'bearer', value: 'marked-10' },
      },
      local: { command: 'run', env: { A: 'marked-11' }, args: ['plain'] },
    },
    tools: [{ name: 'custom', params: { api_key: 'marked-12', value: 'plain' } }],
  },
  secrets: {
    S: { kind: 'StaticSecret', value: 'marked-13', description: 'plain' },
    L: {
      kind: 'LookupSecret',
      url: 'http://l',
      headers: { 'X-Api-Key': 'marked-14', 'X-Innocent': 'marked-19' },
    },
  },
  secret_registry: { secret_sources: { 'a/b~c': { kind: 'StaticSecret', value: 'marked-15' } } },
  tags: { value: 'plain' },
};
const COUNT = 19;

describe('stored secrets', () => {
  it('finds every secret and nothing else', () => {
    const texts = [...secretTexts(conversation)];
    expect(texts.length).toBe(COUNT);
    expect(texts.every((text) => text.startsWith('marked-'))).toBe(true);
  });

  it('decrypts with the same key, also when it is a previous one', () => {
    const stored = encryptSecrets(conversation, new Cipher('key'));
    expect(JSON.stringify(stored)).not.toContain('marked');
    expect(JSON.stringify(stored).split(/(?<="|\/\/)gAAAAA/).length - 1).toBe(COUNT);
    expect(decryptSecrets(stored, new Cipher('key'))).toEqual({
      value: conversation,
      kept: new Map(),
      unopened: [],
      lost: [],
    });
    expect(decryptSecrets(stored, new Cipher('new', ['key'])).value).toEqual(conversation);
  });

  it.each([
    ['another key', new Cipher('other')],
    ['no key', new Cipher(null)],
  ])('stored secrets survive a start with %s and a save', (_name, wrong) => {
    const stored = encryptSecrets(conversation, new Cipher('key'));
    const { value, kept } = decryptSecrets(stored, wrong);
    expect(JSON.stringify(value)).not.toMatch(/marked|gAAAAA/);
    expect(kept.size).toBe(COUNT);
    expect(kept.has('/secret_registry/secret_sources/a~1b~0c/value')).toBe(true);

    const savedAgain = encryptSecrets(value, wrong, kept);
    expect(savedAgain).toEqual(stored);
    expect(decryptSecrets(savedAgain, new Cipher('key')).value).toEqual(conversation);
  });

  it('keeps unchanged secrets over a start with only a previous key', () => {
    const stored = encryptSecrets(conversation, new Cipher('key'));
    const former = new Cipher(null, ['key']);
    const { value, kept, unopened } = decryptSecrets(stored, former);
    expect({ value, unopened }).toEqual({ value: conversation, unopened: [] });
    expect(encryptSecrets(value, former, kept)).toEqual(stored);
    const changed = { ...value, secrets: { S: { kind: 'StaticSecret', value: 'new' } } };
    expect(encryptSecrets(changed, former, kept)).toMatchObject({ secrets: { S: { value: '**********' } } });
  });

  it('replaces a kept secret by a new value', () => {
    const stored = encryptSecrets({ llm: { model: 'a', api_key: 'old' } }, new Cipher('key'));
    const { value, kept } = decryptSecrets(stored, new Cipher('other'));
    const changed = { ...value, llm: { model: 'a', api_key: 'new' } };
    const saved = encryptSecrets(changed, new Cipher('other'), kept);
    expect(decryptSecrets(saved, new Cipher('other')).value).toEqual(changed);
  });

  it('does not give a kept secret to another receiver in the same place', () => {
    const stored = encryptSecrets({ llm: { model: 'a', api_key: 'old' } }, new Cipher('key'));
    const { kept } = decryptSecrets(stored, new Cipher(null));
    const other = { llm: { model: 'a', base_url: 'http://elsewhere', api_key: null } };
    expect(encryptSecrets(other, new Cipher(null), kept)).toEqual(other);
  });

  it('stores the mask without a key, and reads it as null', () => {
    const stored = encryptSecrets(conversation, new Cipher(null));
    expect(stored).toMatchObject({ agent: { llm: { api_key: '**********', custom_tokenizer: 'plain' } } });
    expect(decryptSecrets(stored, new Cipher(null)).value).toMatchObject({
      agent: { llm: { api_key: null } },
    });
  });

  it('encrypts secrets that look like tokens', () => {
    const cipher = new Cipher('key');
    const token = cipher.encrypt('text');
    const stored = encryptSecrets({ api_key: token }, cipher);
    expect(stored).not.toEqual({ api_key: token });
    expect(decryptSecrets(stored, cipher).value).toEqual({ api_key: token });
    expect(isToken(token)).toBe(true);
  });
});

/** Names that mean something to whoever looks for secrets. */
const name = fc.oneof(
  fc.constantFrom(
    'password',
    'api_key',
    'auth_token',
    'secrets',
    'headers',
    'env',
    'mcp_config',
    'value',
    'url',
  ),
  fc.string(),
);
const free: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom('', ' ', null, '**********', 'http://user:pass@host/', 1, true),
    fc.string(),
    fc.constant(new Cipher('key').encrypt('text')),
  ),
  node: fc.oneof(
    { depthSize: 'small' },
    tie('leaf'),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(name, tie('node'), { maxKeys: 4 }),
  ),
})).node;
/** A conversation with anything where anybody may choose the names. */
const anywhereFree = fc
  .record({ tags: fc.dictionary(name, fc.string()), map: fc.dictionary(name, free) })
  .map(({ tags, map }) => ({
    tags,
    stats: { usage_to_metrics: map },
    agent_state: map,
    blocked_actions: map,
    blocked_messages: map,
    tool_module_qualnames: map,
    client_tools: [{ name: 'ask', parameters: { type: 'object', properties: map } }, map],
    rest: { observability_metadata: map },
    agent: {
      system_prompt_kwargs: map,
      agent_context: { skills: [{ name: 'tea', metadata: map }] },
      tools: [{ name: 'own', params: { schema: { type: 'object', properties: map } } }],
    },
  }));

describe('fields that are not secrets', () => {
  it.each([new Cipher('key'), new Cipher('new', ['key']), new Cipher(null)])(
    'does not change other fields',
    (cipher) => {
      fc.assert(
        fc.property(anywhereFree, (conversation) => {
          const stored = encryptSecrets(conversation, cipher);
          expect(stored).toEqual(conversation);
          expect(decryptSecrets(stored, cipher).value).toEqual(conversation);
          expect(maskSecrets(conversation)).toEqual(conversation);
          expect(openTokens(conversation, cipher, true)).toEqual({ value: conversation, foreign: [] });
        }),
      );
    },
  );

  it('does not change the names of MCP servers, whose variables are secrets', () => {
    const server = { command: 'run', args: ['x'], env: { A: 'marked' } };
    const mcp_config = { secrets: server, tags: server, headers: server, mcpServers: { stats: server } };
    expect([...secretTexts({ agent: { mcp_config } })]).toEqual(['marked']);
    const { env: _hidden, ...shown } = server;
    expect(hideSecrets({ agent: { mcp_config } })).toEqual({
      agent: { mcp_config: { secrets: shown, tags: shown, headers: shown, mcpServers: { stats: shown } } },
    });
  });

  it('does not change parameters of tools', () => {
    const cipher = new Cipher('key');
    const agent = { tools: [{ name: 'own', params: { api_key: 'marked', password: '', token: null } }] };
    const stored = encryptSecrets({ agent }, cipher);
    expect(JSON.stringify(stored)).not.toContain('marked');
    expect(decryptSecrets(stored, cipher).value).toEqual({ agent });
  });
});

describe('openTokens', () => {
  const cipher = new Cipher('key', ['former']);
  const own = cipher.encrypt('own');
  const former = new Cipher('former').encrypt('former');
  const foreign = new Cipher('other').encrypt('text');

  it('decrypts tokens of our keys and reports foreign ones that a provider would get', () => {
    const sent = (token: string) => ({
      agent: {
        llm: { api_key: token, base_url: `http://${token}@host`, extra_headers: { 'X-Key': token } },
        tools: [{ params: { api_key: token } }],
        mcp_config: { a: { env: { A: token }, auth: { value: token } } },
      },
      secrets: { S: { kind: 'StaticSecret', value: token }, T: token },
    });
    expect(openTokens(sent(own), cipher)).toEqual({ value: sent('own'), foreign: [] });
    expect(openTokens(sent(former), cipher)).toEqual({ value: sent('former'), foreign: [] });
    const asGiven = openTokens(sent(foreign), cipher);
    const llm = ['/agent/llm/api_key', '/agent/llm/base_url', '/agent/llm/extra_headers/X-Key'];
    expect(asGiven).toEqual({ value: sent(foreign), foreign: llm });
    expect(openTokens(sent(foreign), cipher, true).foreign).toHaveLength(8);
  });

  it('treats blank and masked credentials as no value', () => {
    expect(
      openTokens({ api_key: ' ', aws_session_token: '**********', secrets: { A: '' } }, cipher).value,
    ).toEqual({ api_key: null, aws_session_token: null, secrets: { A: '' } });
  });
});

describe('secrets in answers and events', () => {
  it('hides secrets in answers', () => {
    const hidden = hideSecrets(conversation);
    expect(JSON.stringify(hidden)).not.toContain('marked');
    expect(hidden).toMatchObject({
      agent: {
        llm: { api_key: null, extra_headers: { Authorization: '**********', 'X-Innocent': '**********' } },
        agent_context: { secrets: { CTX: '**********', CTY: { value: null } } },
        mcp_config: { local: { command: 'run', args: ['plain'] } },
      },
      secrets: { L: { headers: { 'X-Innocent': '**********' } } },
    });
    expect(JSON.stringify(hidden)).not.toMatch(/"env"|"X-Plain"|"X-Api-Key"/);
  });

  it('masks secrets in events', () => {
    const masked = maskSecrets(conversation);
    expect(JSON.stringify(masked)).not.toContain('marked');
    expect(masked).toMatchObject({
      agent: { llm: { api_key: '**********', base_url: 'https://**********@host/v1' } },
    });
    expect(maskSecrets({ api_key: null, secrets: { A: null } })).toEqual({ api_key: null, secrets: {} });
  });
});

describe('redact', () => {
  it('replaces values with secret names and everything in environments and headers', () => {
    expect(
      redact({
        llm: { api_key: 'x', model: 'm' },
        env: { A: { b: 'x' } },
        Headers: ['x'],
        list: [{ my_token: 1 }],
      }),
    ).toEqual({
      llm: { api_key: '<redacted>', model: 'm' },
      env: { A: { b: '<redacted>' } },
      Headers: ['<redacted>'],
      list: [{ my_token: '<redacted>' }],
    });
    expect(redact('plain text')).toBe('plain text');
    expect(redact({ base_url: 'http://user:p@ss@host/v1@x' })).toEqual({
      base_url: 'http://**********@host/v1@x',
    });
  });
});
