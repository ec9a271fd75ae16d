import fc from 'fast-check';
import { AGENT, C, E, WORKSPACE, create, detailOf, edge } from '../../../test/support/edge-fixture.js';
import { KNOWN } from '../../../test/support/http-edge.js';

describe('validation of requests', () => {
  describe('errors', () => {
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
      [
        'POST',
        C,
        { agent: { llm: { model: 'x', base_url: 'x'.repeat(20_000) } }, workspace: WORKSPACE },
        ['body', 'agent', 'llm', 'base_url'],
        'value_error',
      ],
      ['PATCH', `${C}/${KNOWN}`, { title: '' }, ['body', 'title'], 'string_too_short'],
      ['PATCH', `${C}/${KNOWN}`, { title: '   ' }, ['body', 'title'], 'value_error'],
      ['PATCH', `${C}/${KNOWN}`, { title: 'x'.repeat(201) }, ['body', 'title'], 'string_too_long'],
      ['PATCH', `${C}/${KNOWN}`, { tags: { A: 'b' } }, ['body', 'tags'], 'value_error'],
      ['PATCH', `${C}/${KNOWN}`, { tags: { a: 5 } }, ['body', 'tags', 'a'], 'string_type'],
    ])('report the location of the problem: %s %s %j', async (method, path, body, loc, type) => {
      expect(await detailOf(method, path, body)).toMatchObject({ detail: [{ type, loc }] });
    });

    it('errors have the recorded texts of the original', async () => {
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

    it('list the problems with each kind of content', async () => {
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
    ])('name the field of %j', async (fields, loc, type) => {
      const problem: unknown = expect.objectContaining({ type, loc });
      const detail: unknown = expect.arrayContaining([problem]);
      expect(await create(fields)).toMatchObject({ detail });
    });

    it.each([
      { agent: { ...AGENT, condenser: [{ constructor: null }] } },
      { agent: { ...AGENT, condenser: { constructor: null } } },
      { agent: { ...AGENT, tools: { constructor: null } } },
      { agent: { ...AGENT, tools: [[{ constructor: null }]] } },
      { agent: { ...AGENT, mcp_config: [{ constructor: null }] } },
      { agent: [{ constructor: null }] },
      { workspace: [{ constructor: null }] },
      { initial_message: { content: [{ constructor: null }] } },
    ])('errors are reported for %j, whatever its constructor is', async (fields) => {
      expect(await create(fields)).toMatchObject({ detail: expect.anything() as unknown });
    });

    it('errors are reported quickly for long text that is almost a number', async () => {
      const begun = performance.now();
      const nearly = { ...AGENT, llm: { ...AGENT.llm, temperature: `${'1'.repeat(100_000)}x` } };
      expect(await create({ agent: nearly })).toMatchObject({ detail: [{ type: 'float_parsing' }] });
      expect(performance.now() - begun).toBeLessThan(5_000);
    });

    it('never repeat a secret or megabytes', async () => {
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

  it('never answers 5xx, whatever the input is', async () => {
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

  describe('repeated input', () => {
    it.each([
      { agent: { llm: 'sk-leak' } },
      { agent: { llm: ['sk-leak'] } },
      { agent: 'sk-leak' },
      { agent: ['sk-leak'] },
      { agent: { llm: { model: 'x', extra_headers: 'sk-leak' } } },
      { agent: { llm: { model: 'x', extra_headers: { 'X-Team': { a: 'sk-leak' } } } } },
      { agent: { llm: { model: 'x', litellm_extra_body: 'sk-leak' } } },
      { agent: { ...AGENT, mcp_config: 'sk-leak' } },
      { agent: { ...AGENT, mcp_config: { server: 'sk-leak' } } },
      { agent: { ...AGENT, mcp_config: { server: { url: 'http://x', headers: 'sk-leak' } } } },
      { agent: { ...AGENT, condenser: { kind: 'LLMSummarizingCondenser', llm: 'sk-leak' } } },
      { agent: { ...AGENT, condenser: { kind: 'Nope', llm: 'sk-leak' } } },
      { agent: { ...AGENT, condenser: 'sk-leak' } },
      { agent_settings: 'sk-leak' },
      { agent: { kind: 'ACPAgent', acp_env: 'sk-leak' } },
      { agent: { kind: 'ACPAgent', acp_env: { A: ['sk-leak'] } } },
      { agent_definitions: [{ mcp_servers: 'sk-leak' }] },
      { agent: { llm: { model: 'x', fallback_llms: 'sk-leak' } } },
      { agent: 0, agent_settings: { llm: 'sk-leak' } },
      { workspace: { auth: 'sk-leak' } },
      { secrets: 'sk-leak' },
      { secrets: { a: 'sk-leak' } },
      { secrets: { a: { kind: 'LookupSecret', url: 'http://x', headers: 'sk-leak' } } },
      { secrets: { a: { kind: 'LookupSecret', headers: { 'X-Team': 'sk-leak' } } } },
      { security_analyzer: { kind: 'GraySwanAnalyzer', api_key: { a: 'sk-leak' } } },
    ])('contains no text that was sent in place of secrets: %j', async (fields) => {
      const whole = { workspace: WORKSPACE, max_iterations: 'none', ...fields };
      expect(JSON.stringify(await detailOf('POST', C, whole))).not.toContain('sk-leak');
      // Also when the whole request is repeated.
      expect(JSON.stringify(await detailOf('POST', C, fields))).not.toContain('sk-leak');
    });

    it('is redacted when the whole body is a string', async () => {
      expect(JSON.stringify(await detailOf('POST', C, 'sk-leak'))).not.toContain('sk-leak');
      expect(JSON.stringify(await detailOf('POST', C, ['sk-leak']))).not.toContain('sk-leak');
    });

    it('is shown where no secret is expected', async () => {
      expect(JSON.stringify(await detailOf('POST', E, { content: 'a text' }))).toContain('"input":"a text"');
    });

    it('is limited to the first hundred problems of a long list', async () => {
      const content = Array.from({ length: 20_000 }, () => 1);
      const { detail } = (await detailOf('POST', E, { content })) as { detail: unknown[] };
      expect(detail).toHaveLength(100);
    });
  });
});
