import {
  ask,
  CONVERSATION,
  endpoint,
  HI,
  root,
  SYSTEM,
  withResult,
} from '../../../test/support/provider-fixture.js';
import { textContent, type Message } from '../../events/index.js';

describe('other providers', () => {
  it('reports invalid AWS keys at once', async () => {
    endpoint.script([
      { status: 403, body: { message: 'The security token included in the request is invalid.' } },
    ]);
    const config = { model: 'bedrock/anthropic.claude-opus-4-8', base_url: root(), num_retries: 5 };
    await expect(ask(config, [HI])).rejects.toMatchObject({ code: 'LLMAuthenticationError' });
    const unknown = { ...config, api_key: null, aws_profile_name: 'there-is-no-such-profile' };
    await expect(ask(unknown, [HI])).rejects.toThrow(/^AWS: /);
  });

  it('calls Bedrock with the converse protocol', async () => {
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

  it('calls the deployment of an Azure model', async () => {
    endpoint.script([{ say: 'ok' }]);
    await ask({ model: 'azure/my-gpt-4o', base_url: root() }, [SYSTEM, HI]);
    const [sent] = endpoint.requests;
    expect(sent?.path).toBe('/openai/deployments/my-gpt-4o/chat/completions?api-version=2024-12-01-preview');
    expect(sent?.headers['api-key']).toBe('key');
    expect(sent?.headers.authorization).toBeUndefined();
  });

  it('sends a session id and image parts to OpenRouter', async () => {
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
    ['litellm_proxy/openai/my-model', '/chat/completions', 'openai/my-model'],
    ['openhands/some-model', '/chat/completions', 'some-model'],
  ])('calls %s at %s', async (model, path, name) => {
    endpoint.script([{ say: 'ok' }]);
    await ask({ model, base_url: root() }, [HI]);
    expect(endpoint.requests[0]).toMatchObject({ path, body: { model: name } });
  });

  it('lets Claude think behind a proxy and sends its signed thinking back', async () => {
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
