import { endpoint, llm, message, request, TERMINAL } from '../../../test/support/llm-fixture.js';
import { textContent } from '../../events/index.js';
import { CallFormatError } from '../errors/llm-error.js';
import type { LlmDelta, LlmTool } from '../request/llm-request.js';

const EDIT: LlmTool = {
  name: 'edit',
  description: 'Edits a file.',
  parameters: {
    type: 'object',
    properties: {
      path: { type: 'string' },
      line: { type: 'integer' },
      range: { type: 'array', items: { type: 'integer' } },
      dry: { type: 'boolean' },
      risk: { type: 'string', enum: ['LOW', 'HIGH'] },
    },
    required: ['path'],
  },
};
const prompted = { native_tool_calling: false };
const tools = [TERMINAL, EDIT];

/** An answer of the model. */
async function answer(say: string) {
  endpoint.script([{ say }]);
  return llm.complete(request(prompted, { tools }));
}

describe('prompted tool calls', () => {
  it('describes the tools in the prompt, with an example, and stops after a call', async () => {
    endpoint.script([{ say: 'hello' }]);
    const asked = [message('system', 'static', 'dynamic'), message('user', 'go')];
    const response = await llm.complete(request(prompted, { tools, messages: asked }));
    expect(response.message).toMatchObject({ content: [textContent('hello')] });
    expect(response.message.tool_calls).toBeUndefined();
    const body = endpoint.requests[0]?.body;
    expect(body).toMatchObject({ stop: ['</function'] });
    expect(body).not.toHaveProperty('tools');
    const [system, user] = body?.messages ?? [];
    expect(system?.['content']).toMatch(
      /^static\n\nYou have access to the following functions:\n\n---- BEGIN FUNCTION #1: terminal ----\nDescription: Runs a command\.\n/,
    );
    expect(system?.['content']).toMatch(/\(2\) command \(string, required\): The command\./);
    expect(system?.['content']).toMatch(/Allowed values: \["LOW","HIGH"\]/);
    expect(system?.['content']).toMatch(/dynamic$/);
    expect(user?.['content']).toMatch(/^Here's a running example of how to perform a task/);
    expect(user?.['content']).toMatch(
      /<function=terminal>\n<parameter=command>ls<\/parameter>[^]+-- NEW TASK DESCRIPTION -+\ngo\n-+ END OF NEW TASK/,
    );
  });

  it('sends calls and results as text', async () => {
    endpoint.script([{ say: 'done' }]);
    const call = {
      id: 'toolu_01',
      name: 'terminal',
      arguments: '{"command":"ls"}',
      origin: 'completion',
    } as const;
    const messages = [
      message('system', 's'),
      message('user', 'go'),
      { ...message('assistant', 'I look.'), tool_calls: [call] },
      { ...message('tool', 'a.txt', '[done]'), tool_call_id: 'toolu_01', name: 'terminal' },
    ];
    await llm.complete(request(prompted, { tools, messages }));
    expect(endpoint.requests[0]?.body.messages.slice(2)).toEqual([
      {
        role: 'assistant',
        content: 'I look.\n<function=terminal>\n<parameter=command>ls</parameter>\n</function>',
      },
      { role: 'user', content: 'EXECUTION RESULT of [terminal]:\na.txt\n[done]' },
    ]);
  });

  it('converts the values of calls to the types of the schema', async () => {
    const { message: said } = await answer(
      'I edit.\n<function=edit>\n<parameter=path>/a</parameter>\n<parameter=line>3</parameter>\n' +
        '<parameter=range>[1, -1]</parameter>\n<parameter=dry>true</parameter>\n<parameter=risk>low</parameter>\n',
    );
    expect(said.content).toEqual([textContent('I edit.')]);
    expect(said.tool_calls).toEqual([
      {
        id: 'toolu_01',
        name: 'edit',
        arguments: '{"path":"/a","line":3,"range":[1,-1],"dry":true,"risk":"LOW"}',
        origin: 'completion',
      },
    ]);
  });

  it('numbers the calls', async () => {
    endpoint.script([{ say: '<function=terminal>\n<parameter=command>ls</parameter>' }]);
    const call = { id: 'toolu_07', name: 'terminal', arguments: '{}', origin: 'completion' } as const;
    const messages = [message('user', 'go'), { ...message('assistant', ''), tool_calls: [call] }];
    const response = await llm.complete(request(prompted, { tools, messages }));
    expect(response.message.tool_calls?.[0]?.id).toBe('toolu_08');
  });

  it.each([
    [
      '<function=nosuch>\n</function>',
      "Function 'nosuch' not found in available tools: ['terminal', 'edit']",
    ],
    [
      '<function=terminal>\n<parameter=nope>1</parameter>\n</function>',
      "Parameter 'nope' is not allowed for function 'terminal'. Allowed parameters: {'summary', 'command'}",
    ],
    ['<function=terminal>\n</function>', "Missing required parameters for function 'terminal': {'command'}"],
    [
      '<function=edit>\n<parameter=path>a</parameter>\n<parameter=risk>so so</parameter>\n</function>',
      "Parameter 'risk' is expected to be one of ['LOW', 'HIGH'].",
    ],
    [
      '<function=edit>\n<parameter=path>a</parameter>\n<parameter=line>abc</parameter>\n</function>',
      "Parameter 'line' is expected to be an integer.",
    ],
    [
      '<function=edit>\n<parameter=path>a</parameter>\n<parameter=range>1 to 3</parameter>\n</function>',
      "Parameter 'range' is expected to be an array.",
    ],
  ])('reports the mistake in %j', async (say, text) => {
    const error: unknown = await answer(say).catch((thrown: unknown) => thrown);
    if (!(error instanceof CallFormatError)) throw error;
    expect(error).toMatchObject({ code: 'FunctionCallFormatError', message: text });
    expect(error.response.usage.prompt_tokens).toBe(1000);
  });

  it('streams text but not calls', async () => {
    endpoint.script([
      { say: 'a < b <function=terminal>\n<parameter=command>ls</parameter>' },
      { say: 'x <func' },
    ]);
    const texts: string[] = [];
    const onDelta = ({ content }: LlmDelta) => texts.push(content);
    const response = await llm.complete(request({ ...prompted, stream: true }, { tools, onDelta }));
    expect(response.message.tool_calls).toHaveLength(1);
    expect(texts.join('')).toBe('a < b ');
    await llm.complete(request({ ...prompted, stream: true }, { tools, onDelta }));
    expect(texts.join('')).toBe('a < b x <func');
  });

  it('sends no stop sequence if the model supports none or the config forbids it', async () => {
    endpoint.script([{ say: 'x', repeat: true }]);
    await llm.complete(request({ ...prompted, disable_stop_word: true }));
    await llm.complete(request({ ...prompted, model: 'openai/o3', api_mode: 'chat' }));
    for (const { body } of endpoint.requests) expect(body).not.toHaveProperty('stop');
    expect(endpoint.requests).toHaveLength(2);
  });
});
