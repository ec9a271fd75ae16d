import { nextTurn } from '../../src/llm/scripted/player.js';
import { startChatEndpoint, type ChatEndpoint, type ChatEndpointOptions } from './chat-endpoint.mjs';

export type { ChatEndpoint, EndpointRequest, EndpointStep } from './chat-endpoint.mjs';

/**
 * Starts the scripted model as an HTTP endpoint. Without `script` it plays the steps in the user's message;
 * with one it answers from the list (an `llm_script` of the recordings can be used unchanged). The caller
 * closes it.
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
