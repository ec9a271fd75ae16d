import { textContent, type Message } from '../../src/events/index.js';
import { AiSdkLlm } from '../../src/llm/ai-sdk-llm.js';
import type { LlmConfig } from '../../src/llm/request/llm-config.js';
import type { LlmDelta, LlmResponse, LlmTool } from '../../src/llm/llm.js';
import { llmConfig } from './llm-config.js';
import { startScriptedEndpoint, type ChatEndpoint } from './scripted-endpoint.js';

/** The parameters of the offered tool. */
export const PARAMETERS = {
  type: 'object',
  properties: {
    security_risk: { type: 'string', enum: ['LOW', 'HIGH'] },
    command: { type: 'string', description: 'The command.' },
  },
  required: ['command'],
};
export const TERMINAL: LlmTool = { name: 'terminal', description: 'Runs a command.', parameters: PARAMETERS };
/** The conversation of the requests. */
export const CONVERSATION = '0d6c1c5e-0000-4000-8000-000000000001';
export const SYSTEM: Message = {
  role: 'system',
  content: [textContent('static'), textContent('dynamic')],
  thinking_blocks: [],
};
export const HI: Message = { role: 'user', content: [textContent('hi')], thinking_blocks: [] };
/** Marks content that Claude should cache. */
export const MARK = { cache_control: { type: 'ephemeral' } };

/** The endpoint of the model; a new one for each test. */
export let endpoint: ChatEndpoint;
beforeEach(async () => {
  endpoint = await startScriptedEndpoint();
});
afterEach(() => endpoint.close());

/** The address without its version. */
export const root = (): string => endpoint.url.replace('/v1', '');

/** Sends a request with the tool to the model. */
export async function ask(
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

/** The history with the result of the call in an answer. */
export function withResult(answer: LlmResponse): Message[] {
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
