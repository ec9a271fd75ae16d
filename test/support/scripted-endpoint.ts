import { nextTurn } from '../../src/llm/scripted/player.js';
import { startChatEndpoint, type ChatEndpoint, type ChatEndpointOptions } from './chat-endpoint.mjs';

export type { ChatEndpoint, EndpointRequest, EndpointStep } from './chat-endpoint.mjs';

/**
 * The scripted model behind a real HTTP endpoint. Without `script` it plays the steps in the user's message;
 * with one it answers by the list (the `llm_script` of the recordings can be given as it is). Close it.
 */
export function startScriptedEndpoint(
  options: Omit<ChatEndpointOptions, 'player'> = {},
): Promise<ChatEndpoint> {
  return startChatEndpoint({ player: { nextTurn }, ...options });
}

/** The configuration of a model behind an endpoint. A failed call is not repeated. */
export function endpointLlm(endpoint: ChatEndpoint, fields: Record<string, unknown> = {}) {
  return {
    model: 'openai/scripted',
    base_url: endpoint.url,
    api_key: 'x',
    usage_id: 'agent',
    num_retries: 1,
    ...fields,
  };
}
