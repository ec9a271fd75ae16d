import {
  ask,
  CONVERSATION,
  endpoint,
  HI,
  MARK,
  PARAMETERS,
  root,
  SYSTEM,
  withResult,
} from '../../../test/support/provider-fixture.js';
import { textContent } from '../../events/index.js';
import type { LlmDelta } from '../request/llm-request.js';

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

  it('sends requests, reads answers and replays them as recorded', async () => {
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

  it('streams messages of Anthropic', async () => {
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
      { kind: 'call', content: '{"command": ', tool: 'terminal', responseId: 'msg_1' },
      { kind: 'call', content: '"ls"}', tool: 'terminal', responseId: 'msg_1' },
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

  it('maps errors of Anthropic', async () => {
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
