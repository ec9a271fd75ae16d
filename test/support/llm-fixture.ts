import { textContent, type Message } from '../../src/events/index.js';
import { AiSdkLlm } from '../../src/llm/ai-sdk-llm.js';
import type { LlmConfig } from '../../src/llm/request/llm-config.js';
import { LlmError } from '../../src/llm/errors/llm-error.js';
import type { LlmRequest, LlmTool } from '../../src/llm/llm.js';
import { llmConfig } from './llm-config.js';
import { startScriptedEndpoint, type ChatEndpoint, type EndpointStep } from './scripted-endpoint.js';

/** The tool that the requests offer. */
export const TERMINAL: LlmTool = {
  name: 'terminal',
  description: 'Runs a command.',
  parameters: {
    type: 'object',
    properties: { summary: { type: 'string' }, command: { type: 'string', description: 'The command.' } },
    required: ['command'],
  },
};

/** A message with text parts. */
export function message(role: Message['role'], ...texts: string[]): Message {
  return { role, content: texts.map(textContent), thinking_blocks: [] };
}

/** The client under test. */
export const llm = new AiSdkLlm();
/** The endpoint of the model; a new one for each test. */
export let endpoint: ChatEndpoint;

beforeEach(async () => {
  endpoint = await startScriptedEndpoint();
});
afterEach(() => endpoint.close());

/** Replaces the endpoint for the rest of a test. */
export async function replaceEndpoint(options: Parameters<typeof startScriptedEndpoint>[0]): Promise<void> {
  await endpoint.close();
  endpoint = await startScriptedEndpoint(options);
}

/** A request to the endpoint. Its key must never appear in answers or errors. */
export function request(config: Partial<LlmConfig> = {}, rest: Partial<LlmRequest> = {}): LlmRequest {
  return {
    config: llmConfig({
      model: 'openai/scripted',
      base_url: endpoint.url,
      api_key: 'sk-very-secret',
      retry_min_wait: 0,
      retry_max_wait: 0,
      ...config,
    }),
    messages: [message('system', 'static', 'dynamic'), message('user', 'go')],
    tools: [TERMINAL],
    conversationId: '0d6c1c5e-0000-4000-8000-000000000001',
    signal: new AbortController().signal,
    ...rest,
  };
}

/** The error of a request for which the endpoint plays a script. */
export async function failure(script: EndpointStep[], config: Partial<LlmConfig> = {}): Promise<LlmError> {
  endpoint.script(script);
  const error: unknown = await llm
    .complete(request({ num_retries: 1, ...config }))
    .catch((thrown: unknown) => thrown);
  if (error instanceof LlmError) return error;
  throw new Error(`no LlmError: ${String(error)}`);
}
