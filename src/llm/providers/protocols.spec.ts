import { llmConfig } from '../../../test/support/llm-config.js';
import { startScriptedEndpoint, type ChatEndpoint } from '../../../test/support/scripted-endpoint.js';
import { textContent, type Message } from '../../events/index.js';
import { AiSdkLlm } from '../ai-sdk-llm.js';
import type { LlmConfig } from '../llm-config.js';
import type { LlmDelta, LlmResponse, LlmTool } from '../llm.js';

const PARAMETERS = {
  type: 'object',
  properties: {
    security_risk: { type: 'string', enum: ['LOW', 'HIGH'] },
    command: { type: 'string', description: 'The command.' },
  },
  required: ['command'],
};
const TERMINAL: LlmTool = { name: 'terminal', description: 'Runs a command.', parameters: PARAMETERS };
const CONVERSATION = '0d6c1c5e-0000-4000-8000-000000000001';
const SYSTEM: Message = {
  role: 'system',
  content: [textContent('static'), textContent('dynamic')],
  thinking_blocks: [],
};
const HI: Message = { role: 'user', content: [textContent('hi')], thinking_blocks: [] };
const MARK = { cache_control: { type: 'ephemeral' } };

let endpoint: ChatEndpoint;
beforeEach(async () => {
  endpoint = await startScriptedEndpoint();
});
afterEach(() => endpoint.close());

/** The address without its version. */
const root = (): string => endpoint.url.replace('/v1', '');

async function ask(
  config: Partial<LlmConfig> & Pick<LlmConfig, 'model'>,
  messages: Message[],
  deltas: LlmDelta[] = [],
) {
  return new AiSdkLlm().complete({
    config: llmConfig({ api_key: 'key', num_retries: 1, ...config }),
    messages,
    tools: [TERMINAL],
    conversationId: CONVERSATION,
    signal: new AbortController().signal,
    onDelta: (delta) => deltas.push(delta),
  });
}

/** The history after a call was executed. */
function withResult(answer: LlmResponse): Message[] {
  const call = answer.message.tool_calls?.[0];
  const result: Message = {
    role: 'tool',
    content: [textContent('output')],
    tool_call_id: call?.id,
    name: call?.name,
    thinking_blocks: [],
  };
  return [SYSTEM, HI, answer.message, result];
}

describe('anthropic messages', () => {
  const usage = {
    input_tokens: 100,
    cache_read_input_tokens: 50,
    cache_creation_input_tokens: 20,
    output_tokens: 10,
    output_tokens_details: { thinking_tokens: 2 },
  };
  const envelope = { type: 'message', role: 'assistant', model: 'm', stop_sequence: null, usage };
  const content = [
    { type: 'thinking', thinking: 'hmm', signature: 'SIG' },
    { type: 'redacted_thinking', data: 'RED' },
    { type: 'text', text: 'Let me run.' },
    { type: 'tool_use', id: 'toolu_1', name: 'terminal', input: { command: 'echo hi' } },
  ];
  const model = 'anthropic/claude-sonnet-4-5-20250929';
  const tools = [{ name: 'terminal', description: 'Runs a command.', input_schema: PARAMETERS }];
  const common = {
    model: 'claude-sonnet-4-5-20250929',
    max_tokens: 64000,
    thinking: { type: 'enabled', budget_tokens: 63999 },
    system: [
      { type: 'text', text: 'static', ...MARK },
      { type: 'text', text: 'dynamic' },
    ],
    tools,
  };

  it('asks, reads and replays as recorded', async () => {
    endpoint.script([
      { body: { ...envelope, id: 'msg_1', content, stop_reason: 'tool_use' } },
      {
        body: {
          ...envelope,
          id: 'msg_2',
          content: [{ type: 'text', text: 'done' }],
          stop_reason: 'end_turn',
        },
      },
    ]);
    const answer = await ask({ model, base_url: root() }, [SYSTEM, HI]);
    const [first] = endpoint.requests;
    expect(first?.path).toBe('/v1/messages');
    expect(first?.headers).toMatchObject({
      'x-api-key': 'key',
      'anthropic-beta': 'interleaved-thinking-2025-05-14',
      'x-litellm-session-id': CONVERSATION,
    });
    expect(first?.body).toEqual({
      ...common,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi', ...MARK }] }],
    });
    expect(answer).toMatchObject({
      id: 'msg_1',
      message: {
        content: [textContent('Let me run.')],
        reasoning_content: 'hmm',
        thinking_blocks: [
          { type: 'thinking', thinking: 'hmm', signature: 'SIG' },
          { type: 'redacted_thinking', data: 'RED' },
        ],
        tool_calls: [
          { id: 'toolu_1', name: 'terminal', arguments: '{"command":"echo hi"}', origin: 'completion' },
        ],
      },
      usage: {
        prompt_tokens: 170,
        completion_tokens: 10,
        cache_read_tokens: 50,
        cache_write_tokens: 20,
        reasoning_tokens: 2,
        context_window: 200000,
      },
    });
    expect(answer.cost).toBeCloseTo(0.00054, 10);

    await ask({ model, base_url: root() }, withResult(answer));
    expect(endpoint.requests[1]?.body).toEqual({
      ...common,
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', content },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [{ type: 'text', text: 'output' }],
              ...MARK,
            },
          ],
        },
      ],
    });
  });

  it('streams', async () => {
    endpoint.script([
      {
        sse: [
          { type: 'message_start', message: { ...envelope, id: 'msg_1', content: [], stop_reason: null } },
          {
            type: 'content_block_start',
            index: 0,
            content_block: { type: 'thinking', thinking: '', signature: '' },
          },
          { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hmm' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'SIG' } },
          { type: 'content_block_stop', index: 0 },
          { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
          { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hello ' } },
          { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'world' } },
          { type: 'content_block_stop', index: 1 },
          {
            type: 'content_block_start',
            index: 2,
            content_block: { type: 'tool_use', id: 'toolu_1', name: 'terminal', input: {} },
          },
          {
            type: 'content_block_delta',
            index: 2,
            delta: { type: 'input_json_delta', partial_json: '{"command": ' },
          },
          {
            type: 'content_block_delta',
            index: 2,
            delta: { type: 'input_json_delta', partial_json: '"ls"}' },
          },
          { type: 'content_block_stop', index: 2 },
          {
            type: 'message_delta',
            delta: { stop_reason: 'tool_use', stop_sequence: null },
            usage: { output_tokens: 12 },
          },
          { type: 'message_stop' },
        ],
      },
    ]);
    const deltas: LlmDelta[] = [];
    const answer = await ask({ model, base_url: root(), stream: true }, [SYSTEM, HI], deltas);
    expect(deltas).toEqual([
      { kind: 'reasoning', content: 'hmm', responseId: 'msg_1' },
      { kind: 'text', content: 'Hello ', responseId: 'msg_1' },
      { kind: 'text', content: 'world', responseId: 'msg_1' },
    ]);
    expect(answer).toMatchObject({
      id: 'msg_1',
      message: {
        content: [textContent('Hello world')],
        reasoning_content: 'hmm',
        thinking_blocks: [{ type: 'thinking', thinking: 'hmm', signature: 'SIG' }],
        tool_calls: [{ id: 'toolu_1', arguments: '{"command": "ls"}' }],
      },
      usage: { prompt_tokens: 170, completion_tokens: 12 },
    });
    expect(endpoint.requests[0]?.body['tools']).toEqual(tools);
  });

  it('maps its errors', async () => {
    const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    const tooLong = {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 2 tokens > 1 maximum' },
    };
    endpoint.script([
      { status: 529, body: overloaded },
      { status: 400, body: tooLong },
      { sse: [overloaded] },
    ]);
    const config = { model, base_url: root() };
    await expect(ask(config, [HI])).rejects.toMatchObject({
      code: 'LLMServiceUnavailableError',
      message: 'litellm.InternalServerError: InternalServerError: AnthropicException - Overloaded',
    });
    await expect(ask(config, [HI])).rejects.toMatchObject({ code: 'LLMContextWindowExceedError' });
    await expect(ask({ ...config, stream: true }, [HI])).rejects.toMatchObject({
      code: 'LLMServiceUnavailableError',
    });
  });
});

describe('openai responses', () => {
  const model = 'openai/gpt-5';
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 5 },
    output_tokens: 10,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 110,
  };
  const envelope = {
    object: 'response',
    created_at: 1,
    model: 'gpt-5',
    status: 'completed',
    error: null,
    incomplete_details: null,
    usage,
  };
  const reasoning = {
    type: 'reasoning',
    id: 'rs_1',
    summary: [{ type: 'summary_text', text: 'sum' }],
    encrypted_content: 'ENC',
  };
  const functionCall = {
    type: 'function_call',
    id: 'fc_1',
    call_id: 'call_1',
    name: 'terminal',
    arguments: '{"command": "echo hi"}',
    status: 'completed',
  };
  const text = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'done', annotations: [] }],
  };
  const common = {
    model: 'gpt-5',
    include: ['reasoning.encrypted_content'],
    instructions: 'static\ndynamic',
    max_output_tokens: 16384,
    reasoning: { effort: 'high' },
    store: false,
    tool_choice: 'auto',
    tools: [
      {
        type: 'function',
        name: 'terminal',
        description: 'Runs a command.',
        parameters: PARAMETERS,
        strict: false,
      },
    ],
    prompt_cache_retention: '24h',
    prompt_cache_key: CONVERSATION,
  };
  const hi = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] };

  it('asks, reads and replays as recorded', async () => {
    endpoint.script([
      { body: { ...envelope, id: 'resp_1', output: [reasoning, functionCall] } },
      { body: { ...envelope, id: 'resp_2', output: [text] } },
    ]);
    const answer = await ask({ model, base_url: endpoint.url }, [SYSTEM, HI]);
    expect(endpoint.requests[0]?.path).toBe('/v1/responses');
    expect(endpoint.requests[0]?.body).toEqual({ ...common, input: [hi] });
    expect(answer).toMatchObject({
      id: 'resp_1',
      message: {
        content: [],
        thinking_blocks: [],
        responses_reasoning_item: { id: 'rs_1', summary: ['sum'], encrypted_content: 'ENC' },
        tool_calls: [
          {
            id: 'call_1',
            responses_item_id: 'fc_1',
            name: 'terminal',
            arguments: '{"command": "echo hi"}',
            origin: 'responses',
          },
        ],
      },
      usage: {
        prompt_tokens: 100,
        completion_tokens: 10,
        cache_read_tokens: 5,
        reasoning_tokens: 3,
        context_window: 272000,
      },
    });
    expect(answer.cost).toBeCloseTo(0.000219375, 10);

    const second = await ask({ model, base_url: endpoint.url }, withResult(answer));
    expect(second.message.content).toEqual([textContent('done')]);
    expect(endpoint.requests[1]?.body).toEqual({
      ...common,
      input: [
        hi,
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'sum' }],
          encrypted_content: 'ENC',
        },
        {
          type: 'function_call',
          id: 'fc_1',
          call_id: 'call_1',
          name: 'terminal',
          arguments: '{"command": "echo hi"}',
        },
        { type: 'function_call_output', call_id: 'call_1', output: 'output' },
      ],
    });
  });

  it('streams', async () => {
    const open = { ...reasoning, summary: [] };
    endpoint.script([
      {
        sse: [
          {
            type: 'response.created',
            response: { ...envelope, id: 'resp_1', output: [], status: 'in_progress' },
          },
          { type: 'response.output_item.added', output_index: 0, item: { ...open, encrypted_content: null } },
          {
            type: 'response.reasoning_summary_part.added',
            item_id: 'rs_1',
            output_index: 0,
            summary_index: 0,
          },
          {
            type: 'response.reasoning_summary_text.delta',
            item_id: 'rs_1',
            output_index: 0,
            summary_index: 0,
            delta: 'sum',
          },
          {
            type: 'response.reasoning_summary_part.done',
            item_id: 'rs_1',
            output_index: 0,
            summary_index: 0,
          },
          { type: 'response.output_item.done', output_index: 0, item: reasoning },
          {
            type: 'response.output_item.added',
            output_index: 1,
            item: { ...functionCall, arguments: '', status: 'in_progress' },
          },
          {
            type: 'response.function_call_arguments.delta',
            item_id: 'fc_1',
            output_index: 1,
            delta: '{"command": ',
          },
          {
            type: 'response.function_call_arguments.delta',
            item_id: 'fc_1',
            output_index: 1,
            delta: '"echo hi"}',
          },
          { type: 'response.output_item.done', output_index: 1, item: functionCall },
          { type: 'response.completed', response: { ...envelope, id: 'resp_1', output: [] } },
        ],
      },
    ]);
    const deltas: LlmDelta[] = [];
    const answer = await ask({ model, base_url: endpoint.url, stream: true }, [SYSTEM, HI], deltas);
    expect(deltas).toEqual([{ kind: 'reasoning', content: 'sum', responseId: 'resp_1' }]);
    expect(answer).toMatchObject({
      id: 'resp_1',
      message: {
        responses_reasoning_item: { id: 'rs_1', summary: ['sum'], encrypted_content: 'ENC' },
        tool_calls: [{ id: 'call_1', responses_item_id: 'fc_1', arguments: '{"command": "echo hi"}' }],
      },
      usage: { prompt_tokens: 100, completion_tokens: 10, reasoning_tokens: 3 },
    });
    expect(endpoint.requests[0]?.body).toEqual({ ...common, input: [hi], stream: true });
  });

  it('goes by chat completions when the config says so', async () => {
    endpoint.script([{ say: 'ok' }]);
    await ask({ model, base_url: endpoint.url, api_mode: 'chat' }, [SYSTEM, HI]);
    expect(endpoint.requests[0]?.path).toBe('/v1/chat/completions');
    expect(endpoint.requests[0]?.body).toMatchObject({
      max_completion_tokens: 16384,
      reasoning_effort: 'high',
    });
  });
});

describe('gemini generateContent', () => {
  const model = 'gemini/gemini-2.5-pro';
  const usageMetadata = { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 };
  const answerOf = (parts: unknown[]) => ({
    candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
    usageMetadata,
    responseId: 'gem-1',
  });
  const functionCall = {
    functionCall: { name: 'terminal', args: { command: 'echo hi' } },
    thoughtSignature: 'SIG',
  };

  it('asks, reads and replays', async () => {
    endpoint.script([
      { body: answerOf([{ text: 'hm', thought: true }, functionCall]) },
      { body: answerOf([{ text: 'done' }]) },
    ]);
    const answer = await ask({ model, base_url: root() }, [SYSTEM, HI]);
    const [first] = endpoint.requests;
    expect(first?.path).toBe('/models/gemini-2.5-pro:generateContent');
    expect(first?.headers).toMatchObject({ 'x-goog-api-key': 'key', 'x-litellm-session-id': CONVERSATION });
    expect(first?.body).toMatchObject({
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      systemInstruction: { parts: [{ text: 'static' }, { text: 'dynamic' }] },
      generationConfig: {
        maxOutputTokens: 16384,
        thinkingConfig: { thinkingBudget: 4096, includeThoughts: true },
      },
      tools: [
        {
          functionDeclarations: [
            { name: 'terminal', description: 'Runs a command.', parameters: PARAMETERS },
          ],
        },
      ],
    });
    expect(answer.message).toMatchObject({
      content: [],
      reasoning_content: 'hm',
      thinking_blocks: [],
      tool_calls: [{ name: 'terminal', arguments: '{"command":"echo hi"}' }],
    });
    expect(answer.usage).toMatchObject({
      prompt_tokens: 100,
      completion_tokens: 10,
      context_window: 1048576,
    });
    expect(answer.cost).toBeCloseTo(0.000225, 10);

    const second = await ask({ model, base_url: root() }, withResult(answer));
    expect(second.message.content).toEqual([textContent('done')]);
    expect(endpoint.requests[1]?.body).toMatchObject({
      contents: [
        { role: 'user', parts: [{ text: 'hi' }] },
        { role: 'model', parts: [functionCall] },
        {
          role: 'user',
          parts: [{ functionResponse: { name: 'terminal', response: { content: 'output' } } }],
        },
      ],
    });
  });

  it('streams', async () => {
    endpoint.script([{ sse: [answerOf([{ text: 'Hello ' }]), answerOf([{ text: 'world' }, functionCall])] }]);
    const deltas: LlmDelta[] = [];
    const answer = await ask({ model, base_url: root(), stream: true }, [SYSTEM, HI], deltas);
    expect(deltas.map(({ content }) => content).join('')).toBe('Hello world');
    expect(answer.message).toMatchObject({
      content: [textContent('Hello world')],
      tool_calls: [{ name: 'terminal' }],
    });
  });

  it('maps its errors', async () => {
    endpoint.script([
      { status: 400, body: { error: { code: 400, message: 'bad thing', status: 'INVALID_ARGUMENT' } } },
    ]);
    await expect(ask({ model, base_url: root() }, [HI])).rejects.toMatchObject({
      code: 'LLMBadRequestError',
      message: 'litellm.BadRequestError: GeminiException - bad thing',
    });
  });
});

describe('others', () => {
  it('bedrock converses', async () => {
    endpoint.script([
      {
        body: {
          output: {
            message: {
              role: 'assistant',
              content: [{ toolUse: { toolUseId: 't1', name: 'terminal', input: { command: 'ls' } } }],
            },
          },
          stopReason: 'tool_use',
          usage: {
            inputTokens: 100,
            outputTokens: 10,
            totalTokens: 110,
            cacheReadInputTokens: 50,
            cacheWriteInputTokens: 20,
          },
        },
      },
    ]);
    const answer = await ask(
      {
        model: 'bedrock/converse/anthropic.claude-3-5-sonnet-20241022-v2:0',
        base_url: root(),
        aws_region_name: 'us-east-1',
      },
      [SYSTEM, HI],
    );
    const [sent] = endpoint.requests;
    expect(sent?.path).toBe('/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse');
    expect(sent?.body).toMatchObject({
      system: [{ text: 'static' }, { cachePoint: { type: 'default' } }, { text: 'dynamic' }],
      messages: [{ role: 'user', content: [{ text: 'hi' }, { cachePoint: { type: 'default' } }] }],
    });
    expect(answer.message.tool_calls).toMatchObject([{ id: 't1', arguments: '{"command":"ls"}' }]);
    expect(answer.usage).toMatchObject({ prompt_tokens: 170, cache_read_tokens: 50, cache_write_tokens: 20 });
  });

  it('azure goes to the deployment', async () => {
    endpoint.script([{ say: 'ok' }]);
    await ask({ model: 'azure/my-gpt-4o', base_url: root() }, [SYSTEM, HI]);
    const [sent] = endpoint.requests;
    expect(sent?.path).toBe('/openai/deployments/my-gpt-4o/chat/completions?api-version=2024-12-01-preview');
    expect(sent?.headers['api-key']).toBe('key');
    expect(sent?.headers.authorization).toBeUndefined();
  });

  it('openrouter groups by session, and images go as parts', async () => {
    endpoint.script([{ say: 'ok' }]);
    const image: Message = {
      role: 'user',
      content: [
        textContent('see'),
        { type: 'image', image_urls: ['data:image/png;base64,AA=='], cache_prompt: false },
      ],
      thinking_blocks: [],
    };
    await ask({ model: 'openrouter/google/gemini-2.5-pro', base_url: endpoint.url }, [image]);
    const body = endpoint.requests[0]?.body;
    expect(body).toMatchObject({ model: 'google/gemini-2.5-pro', session_id: CONVERSATION });
    expect(body?.messages[0]?.['content']).toEqual([
      { type: 'text', text: 'see' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
    ]);
  });

  it.each([
    ['ollama/qwen3', '/v1/chat/completions', 'qwen3'],
    ['litellm_proxy/openai/my-model', '/chat/completions', 'openai/my-model'],
    ['openhands/some-model', '/chat/completions', 'some-model'],
  ])('%s', async (model, path, name) => {
    endpoint.script([{ say: 'ok' }]);
    await ask({ model, base_url: root() }, [HI]);
    expect(endpoint.requests[0]).toMatchObject({ path, body: { model: name } });
  });

  it('Claude behind a proxy thinks, and its signed thinking goes back', async () => {
    const thinking = { type: 'thinking', thinking: 'hmm', signature: 'SIG' };
    const call = { id: 'c1', type: 'function', function: { name: 'terminal', arguments: '{}' } };
    const message = {
      role: 'assistant',
      content: null,
      reasoning_content: 'hmm',
      thinking_blocks: [thinking],
      tool_calls: [call],
    };
    const chunk = (delta: unknown, finish_reason: string | null = null) => ({
      id: 'x',
      choices: [{ index: 0, delta, finish_reason }],
    });
    endpoint.script([
      { body: { id: 'x', choices: [{ index: 0, message, finish_reason: 'tool_calls' }] } },
      {
        sse: [
          chunk({
            role: 'assistant',
            content: '',
            thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: '' }],
          }),
          chunk({ thinking_blocks: [{ type: 'thinking', thinking: 'm', signature: 'SIG' }] }),
          chunk({ content: 'done' }),
          chunk({}, 'stop'),
        ],
      },
    ]);
    const config = { model: 'litellm_proxy/anthropic/claude-sonnet-4-5', base_url: root() };
    const answer = await ask(config, [SYSTEM, HI]);
    expect(answer.message.thinking_blocks).toEqual([thinking]);
    const [first] = endpoint.requests;
    expect(first?.headers['anthropic-beta']).toBe('interleaved-thinking-2025-05-14');
    expect(first?.body).toMatchObject({
      max_completion_tokens: 64000,
      max_tokens: 64000,
      reasoning_effort: 'high',
      thinking: { type: 'enabled', budget_tokens: 63999 },
    });
    expect(first?.body).not.toHaveProperty('prompt_cache_key');

    const second = await ask({ ...config, stream: true }, withResult(answer));
    expect(endpoint.requests[1]?.body.messages[2]).toMatchObject({
      role: 'assistant',
      thinking_blocks: [thinking],
    });
    expect(second.message).toMatchObject({ content: [textContent('done')], thinking_blocks: [thinking] });
  });
});
