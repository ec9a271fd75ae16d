import path from 'node:path';
import type { OpenAI } from 'openai';
import { ConversationClient, type SeenEvent } from '../support/conversation-client.js';
import { GatewayFixture, chat, conversationOf } from '../support/gateway-fixture.js';
import { endpointLlm, startScriptedEndpoint, type ChatEndpoint } from '../support/scripted-endpoint.js';

const SCHEMA = {
  type: 'object',
  $defs: { Tag: { enum: ['x', 'y'] } },
  properties: {
    tags: { type: 'array', items: { $ref: '#/$defs/Tag' } },
    score: { type: 'integer', minimum: 0 },
    owner: { type: ['string', 'null'] },
  },
  required: ['score'],
  additionalProperties: false,
};

/** A schema that a program would ask for on `/v1`: with names of its own, and a reference to itself. */
const TREE = {
  type: 'object',
  properties: {
    summary: { type: 'string' },
    children: { type: 'array', items: { $ref: '#' } },
  },
  required: ['summary', 'children'],
  additionalProperties: false,
};

describe('structured output', () => {
  let fixture: GatewayFixture;
  let openai: OpenAI;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    // Without a session key, so that all clients may use it.
    fixture = await GatewayFixture.start({ SESSION_API_KEY: '' });
    openai = fixture.client();
    endpoint = await startScriptedEndpoint();
    await fixture.model('remote', { model: 'openai/gpt-4o', base_url: endpoint.url, api_key: 'x' });
  });
  afterAll(async () => {
    await fixture.stop();
    await endpoint.close();
  });

  const post = (route: string, body: unknown) => fixture.server.request('POST', route, body);

  const request = (tools: unknown, script?: string, more: object = {}) => ({
    agent: { llm: endpointLlm(endpoint), tools, include_default_tools: ['ThinkTool'], ...more },
    workspace: { working_dir: path.join(fixture.server.cwd, 'work') },
    autotitle: false,
    ...(script !== undefined && {
      initial_message: { role: 'user', content: [{ type: 'text', text: script }] },
    }),
  });

  const finishes = (schema: unknown) => [{ name: 'finish', params: { response_schema: schema } }];

  /** Runs a conversation to its end. */
  const run = async (tools: unknown, script: string, end: string, more: object = {}) => {
    const { body } = await post('/api/conversations', request(tools, script, more));
    const client = new ConversationClient(fixture.server, (body as { id: string }).id);
    await client.reaches(end);
    const events = await client.events();
    const final = await fixture.ok('GET', `${client.route}/agent_final_response`);
    return { events, final, errors: events.flatMap(({ error }) => (error === undefined ? [] : [error])) };
  };

  it('asks the model for the fields and gives the valid object to the client', async () => {
    const script = [
      'TOOL: finish {"message": "a"}',
      'TOOL: finish {"message": "a", "score": -1}',
      'TOOL: finish {"message": "a", "score": 1, "tags": ["q"]}',
      'TOOL: finish {"message": "done", "score": 7, "tags": "[\\"x\\"]", "owner": null}',
    ].join('\n');
    const { events, final, errors } = await run(finishes(SCHEMA), script, 'finished');
    expect(errors).toEqual(
      [
        ["'score' is a required property", "'message'"],
        ['-1 is less than the minimum of 0', "'message', 'score'"],
        ["'q' is not one of ['x', 'y']", "'message', 'score', 'tags'"],
      ].map(
        ([reason, given]) =>
          `Error validating tool 'finish': response_schema validation failed: ${reason}. ` +
          `Parameters provided: [${given}]`,
      ),
    );
    const action = events.findLast(({ kind }) => kind === 'ActionEvent');
    expect(action?.['action']).toEqual({ message: 'done', kind: 'FinishAction' });
    expect(argumentsOf(action)).toBe('{"message": "done", "score": 7, "tags": ["x"], "owner": null}');
    expect(final).toEqual({
      response: 'done',
      structured_output: { score: 7, tags: ['x'], owner: null },
    });
    const { tools } = endpoint.requests.at(-1)?.body as unknown as { tools: ModelTool[] };
    const { parameters } = tools.find((tool) => tool.function.name === 'finish')?.function ?? {};
    expect(parameters).toMatchObject({
      properties: { tags: { type: 'array', items: { enum: ['x', 'y'] } }, score: SCHEMA.properties.score },
      required: ['message', 'score'],
      additionalProperties: false,
    });
    expect(Object.keys(parameters?.properties ?? {})).toEqual([
      ...['summary', 'message', 'tags', 'score', 'owner'],
    ]);
    const prompt = events.find(({ kind }) => kind === 'SystemPromptEvent');
    expect(JSON.stringify(prompt?.['tools'])).not.toContain('score');
  });

  it('stops an agent that gives a wrong answer four times', async () => {
    const wrong = 'TOOL: finish {"message": "a", "score": "7"}';
    const { errors, final } = await run(finishes(SCHEMA), Array(6).fill(wrong).join('\n'), 'stuck');
    expect(errors).toHaveLength(4);
    expect(final).toEqual({ response: '' });
  });

  it('checks fields of other tools, and is not held up by an expression that backtracks', async () => {
    const evil = { type: 'object', properties: { why: { pattern: '^(a+)+$' } }, required: ['why'] };
    const why = `${'a'.repeat(40)}!`;
    const tools = [{ name: 'terminal', params: { response_schema: evil } }, { name: 'FinishTool' }];
    const script =
      `TOOL: terminal {"command": "echo hi", "why": "${why}"}\n` +
      'TOOL: terminal {"command": "echo hi", "why": "aa"}\nFINISH: d';
    const { events, errors } = await run(tools, script, 'finished');
    expect(errors).toEqual([expect.stringContaining('the check of the fields was not done within 250 ms')]);
    const action = events.find(({ action }) => action !== undefined);
    expect(action?.['action']).toMatchObject({ command: 'echo hi', kind: 'TerminalAction' });
    expect(action?.['action']).not.toHaveProperty('why');
  });

  it('names the mistake of a schema that cannot be used', async () => {
    const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
    const field = (schema: unknown) => object({ a: schema });
    const deep = Array.from({ length: 40 }).reduce<unknown>((items) => ({ items }), {});
    // Each definition contains the next one twice.
    const bomb = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}` };
        return [`d${index}`, object(index === 39 ? {} : { x: next, y: next })];
      }),
    );
    const problems: [unknown, string][] = [
      [[1], 'response_schema must be a JSON Schema'],
      [{ type: 'string' }, 'response_schema must describe a JSON object'],
      [{ type: 'object' }, 'response_schema must define named properties'],
      [
        object({ message: {} }),
        "response_schema fields ['message'] collide with existing fields on FinishAction",
      ],
      [object({ kind: {}, summary: {} }), "response_schema fields ['kind', 'summary'] are reserved"],
      [
        object({ a: {} }, { required: ['b'] }),
        "response_schema required fields ['b'] must be named properties",
      ],
      [
        object({ a: {} }, { additionalProperties: {} }),
        'response_schema does not support dynamic fields via additionalProperties',
      ],
      [object({ a: {} }, { minProperties: 1 }), "has unsupported top-level keywords: ['minProperties']"],
      [field({ type: 'objec' }), "'objec' is not a type (at /properties/a/type)"],
      [field({ minLength: -1 }), '-1 is not a count (at /properties/a/minLength)'],
      [field({ pattern: '(' }), "'(' is not a regular expression of JavaScript (at /properties/a/pattern)"],
      [field({ pattern: 'a'.repeat(2_000) }), 'may have 1000 characters, not 2000'],
      [field(deep), 'nested more than 32 levels deep'],
      [field({ $ref: 'http://127.0.0.1/x' }), 'is not a reference to a part of the schema'],
      [field({ $ref: '#/$defs/none' }), "there is no schema at '#/$defs/none'"],
      [field({ anyOf: [{ $ref: '#/properties/a' }] }), 'a $ref refers to itself'],
      [object({ a: { $ref: '#/$defs/d0' } }, { $defs: bomb }), 'too large when its references are expanded'],
      [field({ description: 'x'.repeat(70_000) }), 'response_schema is too large'],
    ];
    const loc = ['body', 'agent', 'tools', 0, 'params', 'response_schema'];
    const answers = await Promise.all(
      problems.map(([schema]) => post('/api/conversations', request(finishes(schema), 'FINISH: x'))),
    );
    for (const [index, { status, body }] of answers.entries()) {
      const msg: unknown = expect.stringContaining(problems[index]?.[1] ?? '');
      expect([status, body]).toMatchObject([422, { detail: [{ loc, msg }] }]);
    }
    const set = [{ name: 'browser_tool_set', params: { response_schema: SCHEMA } }];
    const options = [{ name: 'think', params: { x: 1 } }];
    expect(await post('/api/conversations', request(set))).toMatchObject({ status: 422 });
    const msg: unknown = expect.stringContaining("ThinkTool doesn't accept parameters");
    expect(
      await post('/api/conversations', request(options, undefined, { include_default_tools: [] })),
    ).toMatchObject({ status: 422, body: { detail: [{ msg }] } });
  });

  it('takes built-in tools by name and class, and tidies those of settings', async () => {
    const names = ['FinishTool', 'think', 'switch_llm', 'InvokeSkillTool'].map((name) => ({ name }));
    const { events } = await run(names, 'FINISH: d', 'finished', { include_default_tools: [] });
    const prompt = events.find(({ kind }) => kind === 'SystemPromptEvent');
    expect((prompt?.['tools'] as { title: string }[]).map(({ title }) => title)).toEqual(
      expect.arrayContaining(['finish', 'think', 'switch_llm', 'invoke_skill']),
    );
    const settings = async (tools: unknown) => {
      const { agent: _agent, ...rest } = request([]);
      const { body } = await post('/api/conversations', {
        ...rest,
        agent_settings: { llm: endpointLlm(endpoint), tools },
      });
      const { tools: shown, include_default_tools: included } = (body as { agent: AgentTools }).agent;
      return [shown.map(({ name, params }) => [name, Object.keys(params)]), included];
    };
    expect(await settings(finishes(SCHEMA))).toEqual([[['FinishTool', ['response_schema']]], ['ThinkTool']]);
    const repeated = [
      ...[{ name: 'terminal' }, { name: 'terminal', params: { username: null } }, { name: 'switch_llm' }],
      ...[{ name: 'think' }, { name: 'ThinkTool' }],
    ];
    expect(await settings(repeated)).toEqual([
      [['terminal', ['username']]],
      ['FinishTool', 'ThinkTool', 'SwitchLLMTool'],
    ]);
    expect(await settings([])).toEqual([[], ['FinishTool', 'ThinkTool']]);
  });

  describe("on /v1, with OpenAI's client", () => {
    const format = { type: 'json_schema' as const, json_schema: { name: 'tree', schema: TREE } };
    const answer = { summary: 's', children: [{ summary: 'c', children: [] }] };
    const finish = `TOOL: finish ${JSON.stringify({ message: 'm', output: answer })}`;

    it('answers with JSON only, streamed or not, and continues', async () => {
      const wrong = `TOOL: finish {"message": "m", "output": {"summary": 1, "children": []}}`;
      const ask = chat(`SAY: Let me see.\n${wrong}\n${finish}`, { response_format: format });
      const { data, response } = await openai.chat.completions.create(ask).withResponse();
      expect(JSON.parse(data.choices[0]?.message.content ?? '')).toEqual(answer);
      const id = conversationOf(response);
      const again = { headers: { 'X-OpenHands-ServerConversation-ID': id } };
      const stream = await openai.chat.completions.create(
        { ...chat(finish, { response_format: format }), stream: true },
        again,
      );
      const pieces: string[] = [];
      for await (const { choices } of stream) pieces.push(choices[0]?.delta.content ?? '');
      expect(JSON.parse(pieces.join(''))).toEqual(answer);
      const other = { ...format, json_schema: { name: 'x', schema: { type: 'object' } } };
      await expect(
        openai.chat.completions.create(chat(finish, { response_format: other }), again),
      ).rejects.toMatchObject({ status: 409 });
      const plain = await openai.chat.completions.create(chat(finish), again);
      expect(plain.choices[0]?.message.content).toBe('m');
    });

    it('reminds an agent that answers in words, and gives up after three answers', async () => {
      const text = { format: { type: 'json_schema' as const, name: 'tree', schema: TREE } };
      endpoint.script([
        { say: 'words' },
        { tools: [['finish', JSON.stringify({ message: 'm', output: answer })]] },
      ]);
      const mended = await openai.responses.create({ model: 'openhands_remote', input: 'go', text });
      expect(JSON.parse(mended.output_text)).toEqual(answer);
      endpoint.script(Array.from({ length: 3 }, () => ({ say: 'words' })));
      await expect(
        openai.responses.create({ model: 'openhands_remote', input: 'go', text }),
      ).rejects.toMatchObject({ status: 500 });
      endpoint.script([{ tools: [['finish', JSON.stringify({ message: 'm', output: answer })]] }]);
      const stream = openai.responses.stream({ model: 'openhands_remote', input: 'go', text });
      expect(JSON.parse((await stream.finalResponse()).output_text)).toEqual(answer);
    });

    it('refuses forms and schemas that it cannot serve', async () => {
      const refused = async (response_format: unknown) => {
        const answer = await fixture.raw('/chat/completions', chat('FINISH: x', { response_format }));
        return [answer.status, JSON.stringify(await answer.json())];
      };
      expect(await refused({ type: 'xml' })).toEqual([400, expect.stringContaining('response_format.type')]);
      expect(await refused({ type: 'json_schema' })).toEqual([400, expect.stringContaining("'schema'")]);
      const bad = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'objec' } } };
      expect(await refused(bad)).toEqual([422, expect.stringContaining("'objec' is not a type")]);
      const text = await openai.chat.completions.create(
        chat('FINISH: plain', { response_format: { type: 'json_object' } }),
      );
      expect(text.choices[0]?.message.content).toBe('plain');
    });
  });
});

interface ModelTool {
  function: { name: string; parameters: { properties: object } };
}

interface AgentTools {
  tools: { name: string; params: object }[];
  include_default_tools: string[];
}

function argumentsOf(event: SeenEvent | undefined): unknown {
  return (event?.['tool_call'] as { arguments: string } | undefined)?.arguments;
}
