import http from 'node:http';
import fc from 'fast-check';
import { OriginPolicy } from '../auth/index.js';
import { BROKEN, BUSY, EVENT_LINE, Edge, KNOWN, UNKNOWN } from '../../test/support/http-edge.js';

const C = '/api/conversations';
const E = `${C}/${KNOWN}/events`;
const AGENT = { llm: { model: 'openai/x', api_key: 'sk-leak' } };
const WORKSPACE = { working_dir: '/srv/agent/proj' };

const HEX_ID: unknown = expect.stringMatching(/^[0-9a-f]{32}$/);
const IN_UTC: unknown = expect.stringMatching(/Z$/);

describe('the HTTP edge', () => {
  const policy = new OriginPolicy({
    allow_cors_origins: ['https://good.example'],
    allow_cors_origin_regex: null,
    web_url: null,
  });
  let edge: Edge;
  beforeAll(async () => {
    edge = await Edge.start({
      cors: { allows: (origin, path) => policy.allows(origin, path) },
      bodyLimit: 1024 * 1024,
    });
  });
  afterAll(() => edge.close());
  beforeEach(() => edge.forget());

  const detailOf = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await (body === undefined ? edge.request(method, path) : edge.send(method, path, body));
    expect(answer.status).toBe(422);
    return answer.body;
  };
  const create = (fields: object): Promise<unknown> =>
    detailOf('POST', C, { agent: AGENT, workspace: WORKSPACE, ...fields });

  describe('routing', () => {
    it.each(['/api/conversations', '/conversations'])('serves %s', async (prefix) => {
      expect(await edge.get(`${prefix}/search`)).toMatchObject({
        status: 200,
        body: { items: [], next_page_id: null },
      });
      expect(await edge.get(`${prefix}/count`)).toMatchObject({ status: 200, body: 2 });
      expect(await edge.get(`${prefix}/${KNOWN}`)).toMatchObject({ status: 200, body: { id: KNOWN } });
      expect((await edge.get(`${prefix}/${KNOWN}/events`)).text).toBe(
        `{"items":[${EVENT_LINE}],"next_page_id":null}`,
      );
    });

    it('answers other methods with 405 and what is allowed', async () => {
      expect(await edge.request('PUT', C)).toMatchObject({
        status: 405,
        body: { detail: 'Method Not Allowed' },
      });
      expect((await edge.request('PUT', C)).headers.get('allow')).toBe('GET');
      expect((await edge.request('OPTIONS', C)).status).toBe(405);
      expect((await edge.get(`${C}/${KNOWN}/run`)).headers.get('allow')).toBe('POST');
      const head = await edge.request('HEAD', `${C}/${KNOWN}`);
      expect([head.status, head.headers.get('allow'), head.text]).toEqual([405, 'GET', '']);
    });

    it('leads a slash too many to the path without it', async () => {
      const answer = await edge.get(`${C}/search/?limit=1`);
      expect([answer.status, answer.headers.get('location')]).toEqual([
        307,
        `${edge.url}${C}/search?limit=1`,
      ]);
      expect((await edge.get('/api/nope/')).status).toBe(404);
    });

    it('answers unknown paths with 404, undecodable ones with 4xx', async () => {
      expect(await edge.get('/api/nope')).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
      const status = await new Promise((resolve) => {
        http.get(`${edge.url}${C}/%ZZ`, (response) => resolve(response.resume().statusCode));
      });
      expect(status).toBe(400);
    });

    it('takes ids in any spelling', async () => {
      for (const id of [KNOWN.toUpperCase(), KNOWN.replaceAll('-', ''), `{${KNOWN}}`, `urn:uuid:${KNOWN}`]) {
        expect((await edge.get(`${C}/${encodeURIComponent(id)}`)).body).toEqual({ id: KNOWN });
      }
    });
  });

  describe('errors', () => {
    it('tells unknown conversations as each group of routes does', async () => {
      expect(await edge.request('POST', `${C}/${UNKNOWN}/run`)).toMatchObject({
        status: 404,
        body: { detail: 'Not Found' },
      });
      expect(await edge.get(`${C}/${UNKNOWN}/events/search`)).toMatchObject({
        status: 404,
        body: { detail: `Conversation not found: ${UNKNOWN}` },
      });
      expect((await edge.get(`${E}/nope`)).body).toEqual({ detail: 'Not Found' });
    });

    it('leaves the connection open after errors', async () => {
      expect((await edge.request('PUT', C)).headers.get('connection')).not.toBe('close');
    });

    it('says when to come back after 429', async () => {
      const answer = await edge.request('POST', `${C}/${BUSY}/run`);
      expect(answer.status).toBe(429);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.body).toEqual({ detail: 'Conversation run limit reached. Retry the request later.' });
    });

    it('gives what nobody foresaw an id', async () => {
      expect(await edge.get(`${C}/${BROKEN}`)).toMatchObject({
        status: 500,
        body: {
          detail: 'Internal Server Error',
          exception: 'the disk is on fire',
          error_id: HEX_ID,
        },
      });
    });

    it('limits bodies and wants JSON', async () => {
      expect((await edge.raw('POST', E, JSON.stringify({ x: 'y'.repeat(2 ** 20) }))).status).toBe(413);
      expect((await edge.raw('POST', E, '{"content":[]}', 'text/plain')).status).toBe(415);
      expect((await edge.raw('POST', E, '{"content":[]}', 'application/vnd.x+json')).status).toBe(200);
    });

    it.each([
      ['{bad', 1, 'Expecting property name enclosed in double quotes'],
      ['{"a":', 5, 'Expecting value'],
      ['{"a":NaN}', 5, 'Expecting value'],
      ['{"a" 1}', 5, "Expecting ':' delimiter"],
      ['{"a":1,}', 6, 'Illegal trailing comma before end of object'],
      ['{"a":1} x', 8, 'Extra data'],
      ['{"a":"x\ny"}', 7, 'Invalid control character at'],
      ['{"a":"\\q"}', 6, 'Invalid \\escape'],
      ['{"a":"abc', 5, 'Unterminated string starting at'],
      ['[1', 2, "Expecting ',' delimiter"],
    ])('says where %s stops being JSON', async (text, position, error) => {
      const answer = await edge.raw('POST', C, text);
      const detail = [
        {
          type: 'json_invalid',
          loc: ['body', position],
          msg: 'JSON decode error',
          input: {},
          ctx: { error },
        },
      ];
      expect(answer).toMatchObject({ status: 422, body: { detail } });
    });

    it.each([
      ['deep nesting', '['.repeat(100_000)],
      ['deep nesting that ends', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`],
      ['a lone surrogate', '{"a":["\\ud800"]}'],
      ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
      [
        'a key named constructor',
        '{"agent":{"llm":{"model":"x","litellm_extra_body":{"a":{"constructor":5}}}}}',
      ],
      ['a key named __proto__', '{"__proto__":{"workspace":{"working_dir":"x"}}}'],
    ])('refuses %s', async (_name, body) => {
      const { status } = await edge.raw('POST', C, typeof body === 'string' ? body : new Uint8Array(body));
      expect([400, 422]).toContain(status);
    });
  });

  describe('validation', () => {
    it.each([
      ['GET', `${C}/not-a-uuid`, undefined, ['path', 'conversation_id'], 'uuid_parsing'],
      ['GET', C, undefined, ['query', 'ids'], 'missing'],
      ['GET', `${C}?ids=zz`, undefined, ['query', 'ids', 0], 'uuid_parsing'],
      ['GET', `${C}/search?limit=0`, undefined, ['query', 'limit'], 'greater_than'],
      ['GET', `${C}/search?limit=101`, undefined, ['query', 'limit'], 'less_than_equal'],
      ['GET', `${C}/search?sort_order=X`, undefined, ['query', 'sort_order'], 'enum'],
      ['GET', `${C}/search?status=bogus`, undefined, ['query', 'status'], 'enum'],
      ['GET', `${E}/search?limit=abc`, undefined, ['query', 'limit'], 'int_parsing'],
      [
        'GET',
        `${E}/search?timestamp__gte=yesterday`,
        undefined,
        ['query', 'timestamp__gte'],
        'datetime_from_date_parsing',
      ],
      ['POST', C, {}, ['body', 'workspace'], 'missing'],
      ['POST', C, [], ['body'], 'model_attributes_type'],
      ['POST', E, { content: 'str' }, ['body', 'content'], 'list_type'],
      ['POST', E, { role: 'assistant' }, ['body', 'role'], 'value_error'],
      ['POST', `${E}/respond_to_confirmation`, {}, ['body', 'accept'], 'missing'],
      ['PATCH', `${C}/${KNOWN}`, { title: '' }, ['body', 'title'], 'string_too_short'],
      ['PATCH', `${C}/${KNOWN}`, { title: '   ' }, ['body', 'title'], 'value_error'],
      ['PATCH', `${C}/${KNOWN}`, { title: 'x'.repeat(201) }, ['body', 'title'], 'string_too_long'],
      ['PATCH', `${C}/${KNOWN}`, { tags: { A: 'b' } }, ['body', 'tags'], 'value_error'],
      ['PATCH', `${C}/${KNOWN}`, { tags: { a: 5 } }, ['body', 'tags', 'a'], 'string_type'],
    ])('%s %s %j', async (method, path, body, loc, type) => {
      expect(await detailOf(method, path, body)).toMatchObject({ detail: [{ type, loc }] });
    });

    it('words errors as recorded', async () => {
      expect(await detailOf('GET', `${C}/not-a-uuid`)).toEqual({
        detail: [
          {
            type: 'uuid_parsing',
            loc: ['path', 'conversation_id'],
            msg: 'Input should be a valid UUID, invalid character: found `n` at 0',
            input: 'not-a-uuid',
            ctx: { error: 'invalid character: found `n` at 0' },
          },
        ],
      });
      expect(await detailOf('GET', C)).toEqual({
        detail: [{ type: 'missing', loc: ['query', 'ids'], msg: 'Field required', input: null }],
      });
      expect(await detailOf('POST', C, { workspace: WORKSPACE })).toEqual({
        detail: [
          {
            type: 'value_error',
            loc: ['body'],
            msg: 'Value error, One of `agent`, `agent_settings`, or `agent_profile_id` must be provided',
            input: { workspace: WORKSPACE },
            ctx: { error: 'One of `agent`, `agent_settings`, or `agent_profile_id` must be provided' },
          },
        ],
      });
      expect(await create({ agent: { ...AGENT, kind: 'Nope' } })).toMatchObject({
        detail: [
          {
            loc: ['body', 'agent'],
            msg: "Value error, Unknown kind 'Nope' for openhands.sdk.agent.base.AgentBase; Expected one of: ['ACPAgent', 'Agent']",
            input: { kind: 'Nope', llm: { model: 'openai/x', api_key: '<redacted>' } },
          },
        ],
      });
      expect(await create({ agent: { llm: { api_key: 'sk-leak' } } })).toEqual({
        detail: [
          {
            type: 'value_error',
            loc: ['body', 'agent', 'llm'],
            msg: 'Value error, model must be specified in LLM',
            input: { api_key: '<redacted>' },
            ctx: { error: 'model must be specified in LLM' },
          },
        ],
      });
      const tooMany = Array.from({ length: 100 }, () => `ids=${KNOWN}`).join('&');
      expect(await detailOf('GET', `${C}?${tooMany}`)).toMatchObject({
        detail: [{ type: 'too_long', ctx: { field_type: 'List', max_length: 99, actual_length: 100 } }],
      });
      expect(await create({ max_iterations: 0 })).toEqual({
        detail: [
          {
            type: 'greater_than_equal',
            loc: ['body', 'max_iterations'],
            msg: 'Input should be greater than or equal to 1',
            input: 0,
            ctx: { ge: 1 },
          },
        ],
      });
    });

    it('lists what each kind of content misses', async () => {
      const answer = await detailOf('POST', E, { content: [{ type: 'zzz' }] });
      const at = ['body', 'content', 0];
      expect(answer).toEqual({
        detail: [
          {
            type: 'literal_error',
            loc: [...at, 'TextContent', 'type'],
            msg: "Input should be 'text'",
            input: 'zzz',
            ctx: { expected: "'text'" },
          },
          {
            type: 'missing',
            loc: [...at, 'TextContent', 'text'],
            msg: 'Field required',
            input: { type: 'zzz' },
          },
          {
            type: 'literal_error',
            loc: [...at, 'ImageContent', 'type'],
            msg: "Input should be 'image'",
            input: 'zzz',
            ctx: { expected: "'image'" },
          },
          {
            type: 'missing',
            loc: [...at, 'ImageContent', 'image_urls'],
            msg: 'Field required',
            input: { type: 'zzz' },
          },
        ],
      });
    });

    it.each([
      [{ agent: { llm: 5 } }, ['body', 'agent', 'llm'], 'model_type'],
      [
        { agent: { llm: { model: 'x', num_retries: 'abc' } } },
        ['body', 'agent', 'llm', 'num_retries'],
        'int_parsing',
      ],
      [{ agent: { llm: { model: 5 } } }, ['body', 'agent', 'llm', 'model'], 'string_type'],
      [{ agent: { ...AGENT, tools: [{}] } }, ['body', 'agent', 'tools', 0, 'name'], 'missing'],
      [{ agent: { ...AGENT, tools: [5] } }, ['body', 'agent', 'tools', 0], 'model_type'],
      [{ agent: { ...AGENT, condenser: { kind: 'Zed' } } }, ['body', 'agent', 'condenser'], 'value_error'],
      [
        { agent: { ...AGENT, condenser: { kind: 'LLMSummarizingCondenser' } } },
        ['body', 'agent', 'condenser', 'llm'],
        'missing',
      ],
      [{ workspace: {} }, ['body', 'workspace', 'working_dir'], 'missing'],
      [{ workspace: { working_dir: 'a\0b' } }, ['body', 'workspace', 'working_dir'], 'value_error'],
      [
        { workspace: { working_dir: 'x'.repeat(5000) } },
        ['body', 'workspace', 'working_dir'],
        'string_too_long',
      ],
      [
        { workspace: { working_dir: 'x', kind: 'RemoteWorkspace' } },
        ['body', 'workspace'],
        'assertion_error',
      ],
      [
        { confirmation_policy: { kind: 'ConfirmRisky', threshold: 'UNKNOWN' } },
        ['body', 'confirmation_policy', 'threshold'],
        'value_error',
      ],
      [
        { security_analyzer: { kind: 'EnsembleSecurityAnalyzer', analyzers: [] } },
        ['body', 'security_analyzer', 'analyzers'],
        'too_short',
      ],
      [{ secrets: { a: { kind: 'LookupSecret' } } }, ['body', 'secrets', 'a', 'url'], 'missing'],
      [{ secrets: { a: 'plain' } }, ['body', 'secrets', 'a'], 'model_attributes_type'],
      [{ hook_config: { x: 1 } }, ['body', 'hook_config', 'x'], 'extra_forbidden'],
      [
        { hook_config: { pre_tool_use: [{ hooks: [{}] }] } },
        ['body', 'hook_config', 'pre_tool_use', 0, 'hooks', 0],
        'value_error',
      ],
      [{ initial_message: { role: 'system' } }, ['body', 'initial_message', 'role'], 'value_error'],
      [
        { initial_message: { content: [null] } },
        ['body', 'initial_message', 'content', 0, 'TextContent'],
        'model_attributes_type',
      ],
      [{ stuck_detection: 2 }, ['body', 'stuck_detection'], 'bool_parsing'],
      [
        { client_tools: [{ name: 'a', description: 'b', parameters: 5 }] },
        ['body', 'client_tools', 0, 'parameters'],
        'dict_type',
      ],
      [{ conversation_id: 5 }, ['body', 'conversation_id'], 'uuid_type'],
    ])('names the field of %j', async (fields, loc, type) => {
      const problem: unknown = expect.objectContaining({ type, loc });
      const detail: unknown = expect.arrayContaining([problem]);
      expect(await create(fields)).toMatchObject({ detail });
    });

    it('never repeats a secret or megabytes', async () => {
      const secret = await edge.send('POST', C, {
        agent: AGENT,
        workspace: WORKSPACE,
        secrets: { A: 'hush' },
      });
      expect(secret.text).not.toContain('hush');
      const huge = await edge.send('POST', C, { agent: 'x'.repeat(900_000), workspace: WORKSPACE });
      const many = await edge.send('POST', E, { content: Array.from({ length: 50_000 }, () => 1) });
      for (const { status, text } of [huge, many])
        expect([status, text.length < 64_000]).toEqual([422, true]);
    });
  });

  describe('requests', () => {
    it('reach the service with their defaults', async () => {
      const answer = await edge.send('POST', C, {
        agent: AGENT,
        workspace: WORKSPACE,
        bogus: 1,
        max_iterations: '5',
      });
      expect(answer).toMatchObject({ status: 201, body: { id: KNOWN } });
      expect(edge.started).toMatchObject({
        workspace: { working_dir: '/srv/agent/proj', kind: 'LocalWorkspace' },
        conversation_id: null,
        confirmation_policy: { kind: 'NeverConfirm' },
        security_analyzer: null,
        initial_message: null,
        max_iterations: 5,
        tags: {},
      });
      expect(JSON.stringify(edge.started?.agent)).toBe(RECORDED_AGENT);
    });

    it('answer 200 for a conversation that exists', async () => {
      const answer = await edge.send('POST', C, {
        agent: AGENT,
        workspace: WORKSPACE,
        conversation_id: KNOWN,
      });
      expect(answer.status).toBe(200);
    });

    it('take an agent from settings', async () => {
      await edge.send('POST', C, { agent_settings: { llm: { model: 'openai/y' } }, workspace: WORKSPACE });
      expect(edge.started?.agent).toMatchObject({
        tools: ['terminal', 'file_editor', 'task_tracker'].map((name) => ({ name, params: {} })),
        condenser: {
          llm: { model: 'openai/y', usage_id: 'condenser' },
          max_size: 240,
          keep_first: 2,
          kind: 'LLMSummarizingCondenser',
        },
        agent_context: { skills: [], current_datetime: IN_UTC },
      });
    });

    it('take the default model when the settings name none', async () => {
      await edge.send('POST', C, { agent_settings: {}, workspace: WORKSPACE });
      expect(edge.started?.agent.llm).toMatchObject({ model: 'gpt-5.6', usage_id: 'default' });
    });

    it('tell unknown profiles', async () => {
      const answer = await edge.send('POST', C, { agent_profile_id: UNKNOWN, workspace: WORKSPACE });
      expect(answer).toMatchObject({
        status: 404,
        body: { detail: `Agent profile with id '${UNKNOWN}' not found` },
      });
    });

    it('send messages', async () => {
      const content = [{ text: 'hi' }, { type: 'image', image_urls: ['data:image/png;base64,iVBORw0KGgo='] }];
      expect((await edge.send('POST', E, { content, run: 'yes' })).body).toEqual({ success: true });
      expect(edge.calls).toEqual([
        [
          'sendMessage',
          KNOWN,
          {
            role: 'user',
            content: [
              { cache_prompt: false, type: 'text', text: 'hi' },
              { cache_prompt: false, type: 'image', image_urls: ['data:image/png;base64,iVBORw0KGgo='] },
            ],
          },
          true,
        ],
      ]);
    });

    it('change titles and tags', async () => {
      await edge.send('PATCH', `${C}/${KNOWN}`, { title: '  New title ', tags: { a: 'b' } });
      await edge.send('PATCH', `${C}/${KNOWN}`, {});
      expect(edge.calls).toEqual([
        ['update', KNOWN, { title: 'New title', tags: { a: 'b' } }],
        ['update', KNOWN, {}],
      ]);
    });

    it('filter events', async () => {
      await edge.get(
        `${E}/search?kind=a.b.MessageEvent&limit=5&limit=+7&sort_order=TIMESTAMP_DESC&timestamp__lt=2026-01-02`,
      );
      expect(edge.calls).toEqual([
        [
          'searchEvents',
          KNOWN,
          expect.objectContaining({
            kind: 'MessageEvent',
            limit: 7,
            descending: true,
            timestampLt: '2026-01-02T00:00:00.000000',
          }),
        ],
      ]);
    });

    it('show single events with their nulls', async () => {
      const id = '0ef3041a-f4dc-4c8b-8cd1-3e91c0cf4b89';
      const expected =
        `{"id":"${id}","timestamp":"2026-11-24T13:38:06.374775","source":"user",` +
        '"parent_id":"b0e8f2fc-abd5-48c1-b1eb-ed08e6fdd90c","llm_message":{"role":"user","content":[{"cache_prompt":false,' +
        '"type":"text","text":"hi"}],"tool_calls":null,"tool_call_id":null,"name":null,"reasoning_content":null,' +
        '"thinking_blocks":[],"responses_reasoning_item":null},"llm_response_id":null,"activated_skills":[],' +
        '"extended_content":[],"sender":null,"critic_result":null,"kind":"MessageEvent"}';
      expect((await edge.get(`${E}/${id}`)).text).toBe(expected);
      expect((await edge.get(`${E}?ids=${id}&ids=nope`)).text).toBe(`[${expected},null]`);
      expect(await getWithBody(`${edge.url}${E}`, JSON.stringify([id, 'nope']))).toBe(`[${expected},null]`);
      expect(await getWithBody(`${edge.url}${E}`, '[5]')).toContain('"loc":["body",0]');
    });
  });

  describe('CORS', () => {
    const ask = (origin: string, path = C) =>
      edge.request('OPTIONS', path, { headers: { origin, 'access-control-request-method': 'POST' } });

    it('lets local and given pages in', async () => {
      for (const origin of ['http://localhost:3000', 'https://127.0.0.1', 'https://good.example']) {
        const answer = await ask(origin);
        expect([answer.status, answer.text]).toEqual([200, 'OK']);
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
        expect(
          (await edge.request('GET', '/api/nope', { headers: { origin } })).headers.get(
            'access-control-allow-origin',
          ),
        ).toBe(origin);
      }
      expect((await ask('https://any.example', '/api/auth/workspace-session')).status).toBe(200);
    });

    it('keeps others out', async () => {
      for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.com']) {
        const answer = await ask(origin);
        expect([answer.status, answer.text]).toEqual([400, 'Disallowed CORS origin']);
        expect(answer.headers.has('access-control-allow-origin')).toBe(false);
      }
    });

    it('marks every answer as depending on the origin', async () => {
      for (const path of [`${C}/count`, '/api/nope', `${C}/bad`])
        expect((await edge.get(path)).headers.get('vary')).toBe('Origin');
    });
  });

  it('never answers 5xx, whatever is sent', async () => {
    const targets: [string, string][] = [
      ['POST', C],
      ['POST', E],
      ['POST', `${E}/respond_to_confirmation`],
      ['PATCH', `${C}/${KNOWN}`],
    ];
    const field = fc.constantFrom(
      'agent',
      'workspace',
      'llm',
      'content',
      'tags',
      'title',
      'kind',
      'constructor',
      '__proto__',
      'secrets',
      'tools',
      'condenser',
      'hook_config',
      'then',
      'initial_message',
      'agent_settings',
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.dictionary(field, fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue()))),
    );
    const known = { agent: AGENT, workspace: WORKSPACE };
    const request = fc.dictionary(field, value).map((body) => ({ ...known, ...body }));
    const body = fc.oneof(
      request.map((json) => JSON.stringify(json)),
      value.map((json) => JSON.stringify(json)),
      fc.string(),
      fc.uint8Array(),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...targets), body, async ([method, path], bytes) => {
        const { status } = await edge.raw(
          method,
          path,
          typeof bytes === 'string' ? bytes : new Uint8Array(bytes),
        );
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('limit', 'status', 'page_id', 'ids', 'timestamp__gte', 'kind'),
        fc.string(),
        async (name, text) => {
          for (const path of [`${C}/search`, `${E}/search`, E, C]) {
            expect((await edge.get(`${path}?${name}=${encodeURIComponent(text)}`)).status).toBeLessThan(500);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

/** `fetch` sends no body with GET. */
function getWithBody(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request(url, { method: 'GET', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject).end(body);
  });
}

/** As recorded of the original for the same request, but for the whole floats that Python writes as `8.0`. */
const RECORDED_AGENT =
  '{"llm":{"model":"openai/x","api_key":"sk-leak","provider_connection_id":null,"auth_type":"api_key","subscription_vendor":null,"base_url":null,"api_version":null,"aws_access_key_id":null,"aws_secret_access_key":null,"aws_session_token":null,"aws_region_name":null,"aws_profile_name":null,"aws_role_name":null,"aws_session_name":null,"aws_bedrock_runtime_endpoint":null,"openrouter_site_url":"https://docs.all-hands.dev/","openrouter_app_name":"OpenHands","num_retries":5,"retry_multiplier":8,"retry_min_wait":8,"retry_max_wait":64,"timeout":300,"stream_idle_timeout":300,"max_message_chars":30000,"temperature":null,"top_p":null,"top_k":null,"max_input_tokens":null,"max_output_tokens":null,"model_canonical_name":null,"api_mode":"auto","capability_overrides":{},"extra_headers":null,"input_cost_per_token":null,"output_cost_per_token":null,"ollama_base_url":null,"stream":false,"drop_params":true,"disable_vision":null,"disable_stop_word":false,"caching_prompt":true,"log_completions":false,"log_completions_folder":"logs/completions","custom_tokenizer":null,"native_tool_calling":true,"force_string_serializer":null,"inline_image_urls":null,"reasoning_effort":"high","reasoning_summary":null,"enable_encrypted_reasoning":true,"prompt_cache_retention":"24h","extended_thinking_budget":200000,"seed":null,"usage_id":"default","litellm_extra_body":{},"is_subscription":false},"tools":[],"mcp_config":{},"filter_tools_regex":null,"include_default_tools":["FinishTool","ThinkTool"],"agent_context":null,"system_prompt":null,"system_prompt_filename":"system_prompt.j2","security_policy_filename":"security_policy.j2","system_prompt_kwargs":{"llm_security_analyzer":true},"condenser":null,"critic":null,"tool_concurrency_limit":1,"persona":null,"kind":"Agent"}';
