import { llmConfig } from '../../../test/support/llm-config.js';
import { textContent, type Message } from '../../events/index.js';
import { AiSdkLlm } from '../ai-sdk-llm.js';
import type { LlmConfig } from '../request/llm-config.js';
import type { LlmRequest } from '../request/llm-request.js';

const TOOLS = [{ name: 'terminal', description: '', parameters: { type: 'object' } }];

function request(
  script: string,
  config: Partial<LlmConfig> = {},
  rest: Partial<LlmRequest> = {},
): LlmRequest {
  const message: Message = { role: 'user', content: [textContent(script)], thinking_blocks: [] };
  return {
    config: llmConfig({ model: 'scripted/demo', retry_min_wait: 0, retry_max_wait: 0, ...config }),
    messages: [message],
    tools: TOOLS,
    conversationId: 'c',
    signal: new AbortController().signal,
    ...rest,
  };
}

describe('the scripted model', () => {
  const llm = new AiSdkLlm();

  it('answers with calls, estimates tokens by length, and has no known price', async () => {
    const answer = await llm.complete(request('SAY: hi\nRUN: ls'));
    expect(answer).toMatchObject({
      message: {
        content: [textContent('hi')],
        tool_calls: [{ name: 'terminal', arguments: '{"command":"ls"}', origin: 'completion' }],
      },
      usage: { prompt_tokens: 4, completion_tokens: 7, cache_read_tokens: 0, context_window: 0 },
      cost: null,
    });
  });

  it('streams word by word', async () => {
    const seen: string[] = [];
    const script = request(
      'THINK: hm hm\nSAY: one two',
      { stream: true },
      { onDelta: ({ kind, content }) => seen.push(`${kind}:${content}`) },
    );
    await llm.complete(script);
    expect(seen).toEqual(['reasoning:hm ', 'reasoning:hm', 'text:one ', 'text:two']);
  });

  it('fails like a provider and is retried', async () => {
    await expect(llm.complete(request('FAIL: 400 bad thing'))).rejects.toMatchObject({
      code: 'LLMBadRequestError',
      message: 'litellm.BadRequestError: ScriptedException - bad thing',
    });
    const answer = await llm.complete(request('FAIL: 500\nFAIL: 429\nSAY: ok'));
    expect(answer.message.content).toEqual([textContent('ok')]);
    await expect(llm.complete(request('FAIL: 500', { num_retries: 2 }))).rejects.toMatchObject({
      code: 'LLMServiceUnavailableError',
    });
  });

  it('the scripted model can be interrupted while it waits', async () => {
    const controller = new AbortController();
    const answer = llm.complete(request('WAIT: 60\nSAY: late', {}, { signal: controller.signal }));
    const reason = new Error('interrupted');
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });
});
