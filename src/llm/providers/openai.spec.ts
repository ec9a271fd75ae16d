import {
  ask,
  CONVERSATION,
  endpoint,
  HI,
  PARAMETERS,
  SYSTEM,
  withResult,
} from '../../../test/support/provider-fixture.js';
import { textContent } from '../../events/index.js';
import type { LlmDelta } from '../request/llm-request.js';

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

  it('sends requests, reads answers and replays them as recorded', async () => {
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

  it('streams responses of OpenAI', async () => {
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
    expect(deltas).toEqual([
      { kind: 'reasoning', content: 'sum', responseId: 'resp_1' },
      { kind: 'call', content: '{"command": ', tool: 'terminal', responseId: 'resp_1' },
      { kind: 'call', content: '"echo hi"}', tool: 'terminal', responseId: 'resp_1' },
    ]);
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

  it('uses chat completions if the config says so', async () => {
    endpoint.script([{ say: 'ok' }]);
    await ask({ model, base_url: endpoint.url, api_mode: 'chat' }, [SYSTEM, HI]);
    expect(endpoint.requests[0]?.path).toBe('/v1/chat/completions');
    expect(endpoint.requests[0]?.body).toMatchObject({
      max_completion_tokens: 16384,
      reasoning_effort: 'high',
    });
  });
});
