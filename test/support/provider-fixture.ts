import { textContent, type Message } from '../../src/events/index.js';
import { AiSdkLlm } from '../../src/llm/ai-sdk-llm.js';
import type { LlmConfig } from '../../src/llm/request/llm-config.js';
import type { LlmDelta, LlmResponse, LlmTool } from '../../src/llm/llm.js';
import { llmConfig } from './llm-config.js';
import { startScriptedEndpoint, type ChatEndpoint } from './scripted-endpoint.js';

/** A tool as a model is told of it. */
export const PARAMETERS = {
  type: 'object',
  properties: {
    security_risk: { type: 'string', enum: ['LOW', 'HIGH'] },
    command: { type: 'string', description: 'The command.' },
  },
  required: ['command'],
};
export const TERMINAL: LlmTool = { name: 'terminal', description: 'Runs a command.', parameters: PARAMETERS };
/** What the requests are about. */
export const CONVERSATION = '0d6c1c5e-0000-4000-8000-000000000001';
export const SYSTEM: Message = {
  role: 'system',
  content: [textContent('static'), textContent('dynamic')],
  thinking_blocks: [],
};
export const HI: Message = { role: 'user', content: [textContent('hi')], thinking_blocks: [] };
/** How Claude is told what to cache. */
export const MARK = { cache_control: { type: 'ephemeral' } };

/** The model behind an endpoint: a new one for each test of the file. */
export let endpoint: ChatEndpoint;
beforeEach(async () => {
  endpoint = await startScriptedEndpoint();
});
afterEach(() => endpoint.close());

/** The address without its version. */
export const root = (): string => endpoint.url.replace('/v1', '');

/** Asks the model, with the tool. */
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

/** The history after a call was executed. */
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
