import { textContent, type Message } from '../../../src/events/index.js';
import { AiSdkLlm } from '../../../src/llm/ai-sdk-llm.js';
import type { LlmConfig } from '../../../src/llm/request/llm-config.js';
import { LlmError } from '../../../src/llm/errors/llm-error.js';
import type { LlmDelta, LlmResponse } from '../../../src/llm/llm.js';
import { llmConfig } from '../llm-config.js';
import { anthropicMessages } from './anthropic-messages.js';
import { bedrockConverse } from './bedrock-converse.js';
import { chatCompletions } from './chat-completions.js';
import { generateContent } from './gemini.js';
import { ollama } from './ollama.js';
import { responses } from './responses.js';
import { startWireEndpoint, type WireEndpoint } from './wire-endpoint.js';
import type { Turn, WireProtocol } from './wire-protocol.js';

/** A protocol and a model behind it. */
export interface Speaker {
  name: string;
  protocol: WireProtocol;
  model: string;
  /** The path of `base_url`. */
  base: string;
  /** Further configuration that the provider needs. */
  config?: Partial<LlmConfig>;
}

export const CHAT: Speaker = { name: 'chat', protocol: chatCompletions, model: 'openai/some', base: '/v1' };
export const RESPONSES: Speaker = {
  name: 'responses',
  protocol: responses,
  model: 'openai/gpt-5',
  base: '/v1',
};
export const ANTHROPIC: Speaker = {
  name: 'messages',
  protocol: anthropicMessages,
  model: 'anthropic/claude-sonnet-4-5',
  base: '',
};
export const GEMINI: Speaker = {
  name: 'generateContent',
  protocol: generateContent,
  model: 'gemini/gemini-2.5-pro',
  base: '/v1beta',
};
export const BEDROCK: Speaker = {
  name: 'converse',
  protocol: bedrockConverse({ region: 'us-east-1', token: 'sk-wire-test' }),
  model: 'bedrock/anthropic.claude-sonnet-4-20250514-v1:0',
  base: '',
  config: { aws_region_name: 'us-east-1' },
};
export const OLLAMA: Speaker = { name: 'ollama', protocol: ollama, model: 'ollama_chat/qwen3', base: '' };

const HISTORY: Message[] = [
  { role: 'system', content: [textContent('static')], thinking_blocks: [] },
  { role: 'user', content: [textContent('go')], thinking_blocks: [] },
];

/** The result of one request to a provider of its own. */
interface Asked {
  answer: LlmResponse;
  deltas: LlmDelta[];
  endpoint: WireEndpoint;
}

/**
 * Sends a request to an endpoint that answers with these turns.
 * @param cut bytes per write of a stream
 * @throws what the model throws
 */
export async function askOnce(
  speaker: Speaker,
  script: Turn[],
  config: Partial<LlmConfig> = {},
  options: { cut?: number; messages?: Message[] } = {},
): Promise<Asked> {
  const endpoint = await startWireEndpoint({ protocol: speaker.protocol, script, cut: options.cut });
  const deltas: LlmDelta[] = [];
  try {
    const answer = await new AiSdkLlm().complete({
      config: llmConfig({
        model: speaker.model,
        base_url: endpoint.url + speaker.base,
        api_key: 'sk-wire-test',
        num_retries: 1,
        retry_min_wait: 0,
        retry_max_wait: 0,
        ...speaker.config,
        ...config,
      }),
      messages: options.messages ?? HISTORY,
      tools: [{ name: 'terminal', description: 'Runs.', parameters: { type: 'object', properties: {} } }],
      conversationId: '0d6c1c5e-0000-4000-8000-000000000001',
      signal: new AbortController().signal,
      onDelta: (delta) => deltas.push(delta),
    });
    return { answer, deltas, endpoint };
  } finally {
    await endpoint.close();
  }
}

/** The error that a request ends with. */
export async function refusalOf(...asked: Parameters<typeof askOnce>): Promise<LlmError> {
  const thrown: unknown = await askOnce(...asked).catch((error: unknown) => error);
  if (thrown instanceof LlmError) return thrown;
  throw new Error(`no LlmError: ${JSON.stringify(thrown)}`);
}
