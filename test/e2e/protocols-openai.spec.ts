import { ServerProcess } from '../support/server-process.js';
import { chatCompletions } from '../support/wire/chat-completions.js';
import { ollama } from '../support/wire/ollama.js';
import { responses } from '../support/wire/responses.js';
import {
  expectGrowingHistory,
  expectTenSteps,
  recorded,
  recordedTools,
  seen,
} from '../support/wire/ten-steps-checks.js';
import { holdTenSteps, type TenSteps } from '../support/wire/ten-steps.js';
import type { Json, WireProtocol } from '../support/wire/wire-protocol.js';

interface Case {
  name: string;
  protocol: WireProtocol;
  llm: (url: string) => Json;
  /** The field with the dialogue. */
  history: 'messages' | 'input';
  /** The recording of the last request of the original, and where this server differs on purpose. */
  recorded: string;
  expected?: (request: Json) => Json;
  /** Removes what this server adds on purpose. */
  ours?: (request: Json) => Json;
  /** The model accepts no images. */
  withoutImages?: boolean;
}

const CASES: Case[] = [
  {
    name: 'OpenAI chat completions',
    protocol: chatCompletions,
    llm: (url) => ({ model: 'openai/gpt-4o', base_url: `${url}/v1` }),
    history: 'messages',
    recorded: 'openai-chat',
  },
  {
    name: 'OpenAI responses',
    protocol: responses,
    llm: (url) => ({ model: 'openai/gpt-5', base_url: `${url}/v1` }),
    history: 'input',
    recorded: 'openai-responses',
    expected: withJoinedOutputs,
  },
  {
    name: 'Azure, chat completions of a deployment',
    protocol: chatCompletions,
    llm: (url) => ({ model: 'azure/gpt-4o', base_url: url }),
    history: 'messages',
    recorded: 'openai-chat',
    expected: (request) => {
      const { max_completion_tokens: max_tokens, ...body } = request['body'] as Json;
      const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-12-01-preview';
      return { ...forAzure(request, path), body: { ...body, max_tokens } };
    },
  },
  {
    name: 'Azure, responses',
    protocol: responses,
    llm: (url) => ({ model: 'azure/gpt-5', base_url: url }),
    history: 'input',
    recorded: 'openai-responses',
    expected: (request) => {
      const joined = withJoinedOutputs(request);
      const { prompt_cache_retention: _, ...body } = joined['body'] as Json;
      return { ...forAzure(joined, '/openai/responses?api-version=2024-12-01-preview'), body };
    },
  },
  {
    name: 'OpenRouter, Claude with its cache marks',
    protocol: chatCompletions,
    llm: (url) => ({ model: 'openrouter/anthropic/claude-sonnet-4', base_url: `${url}/api/v1` }),
    history: 'messages',
    recorded: 'openrouter-claude',
  },
  {
    name: 'a LiteLLM proxy, Claude with its cache marks',
    protocol: chatCompletions,
    llm: (url) => ({ model: 'litellm_proxy/anthropic/claude-sonnet-4-5', base_url: url }),
    history: 'messages',
    recorded: 'litellm-proxy-claude',
  },
  {
    name: 'DeepSeek, which wants its reasoning back',
    protocol: chatCompletions,
    llm: (url) => ({ model: 'deepseek/deepseek-reasoner', base_url: `${url}/v1` }),
    history: 'messages',
    recorded: 'deepseek',
    withoutImages: true,
    // The limit is sent under two names: DeepSeek documents only this one.
    expected: (request) => ({ ...request, body: { ...(request['body'] as Json), max_tokens: 16_384 } }),
  },
  {
    name: "Ollama's own chat",
    protocol: ollama,
    llm: (url) => ({ model: 'ollama_chat/qwen3', base_url: url }),
    history: 'messages',
    recorded: 'ollama-chat',
    withoutImages: true,
    expected: withoutOllamaNames,
    ours: withoutOllamaNames,
  },
];

const same = (request: Json): Json => request;

/**
 * Removes the call ids that the original generates, and the thoughts and tool names that it does not send
 * back, although Ollama's examples do.
 */
function withoutOllamaNames(request: Json): Json {
  const body = request['body'] as Json & { messages: Json[] };
  const messages = body.messages.map(
    ({ tool_call_id: _, tool_name: __, thinking: ___, ...message }) => message,
  );
  return { ...request, body: { ...body, stream: false, messages } };
}

function forAzure(request: Json, path: string): Json {
  const { authorization: _, ...headers } = request['headers'] as Json;
  return { ...request, path, headers: { ...headers, 'api-key': 'sk-wire-test' } };
}

/** The original sends the text and the image of a result in two outputs; this server sends one. */
function withJoinedOutputs(request: Json): Json {
  const body = request['body'] as Json & { input: Json[] };
  const input = body.input.flatMap((item, index) => {
    const next = body.input[index + 1];
    if (Array.isArray(item['output'])) return [];
    if (!Array.isArray(next?.['output'])) return [item];
    return [
      { ...item, output: [{ type: 'input_text', text: item['output'] }, ...(next['output'] as unknown[])] },
    ];
  });
  return { ...request, body: { ...body, input } };
}

describe('protocols of OpenAI and compatible services', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  describe.each(CASES)('$name', ({ protocol, llm, history, withoutImages, ...original }) => {
    let whole: TenSteps;
    let streamed: TenSteps;
    beforeAll(async () => {
      [whole, streamed] = await Promise.all([
        holdTenSteps(server, { protocol, llm, stream: false, image: !withoutImages }),
        holdTenSteps(server, { protocol, llm, stream: true, image: !withoutImages }),
      ]);
    });

    it('completes ten steps with and without streaming', () => {
      const counts = protocol !== ollama;
      expectTenSteps(whole, counts, counts);
      expectTenSteps(streamed, counts, counts);
      expectGrowingHistory(whole, history);
      expectGrowingHistory(streamed, history);
    });

    it('sends the request that the original sends', () => {
      const request = recorded(original.recorded);
      const { ours = same, expected = same } = original;
      expect(ours(withoutTools(whole))).toEqual(expected(request));
      expect(toolsOf(whole)).toEqual(recordedTools());
    });

    it('sends the same request with streaming as without', () => {
      const { stream, stream_options, ...rest } = streamed.plain.at(-1)?.['body'] as Json;
      expect(stream).toBe(true);
      expect(stream_options).toEqual(protocol === chatCompletions ? { include_usage: true } : undefined);
      const { stream: unasked, ...body } = whole.plain.at(-1)?.['body'] as Json;
      expect(unasked).toBe(protocol === ollama ? false : undefined);
      expect(rest).toEqual(body);
    });

    it('shows clients the same events with streaming as without', () => {
      expect(seen(streamed)).toEqual(seen(whole));
    });
  });
});

/** The last request without the tools, which are the same for all. */
function withoutTools({ plain }: TenSteps): Json {
  const { tools, ...body } = plain.at(-1)?.['body'] as Json;
  return { ...plain.at(-1), body };
}

/** Names, descriptions and parameters of the offered tools, however the protocol nests them. */
function toolsOf({ plain }: TenSteps): unknown[] {
  const { tools } = plain.at(-1)?.['body'] as { tools: Json[] };
  return tools.map((tool) => {
    const { name, description, parameters } = (tool['function'] ?? tool) as Json;
    return { name, description, parameters };
  });
}
