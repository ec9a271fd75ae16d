import { asJsonObject } from '../../json/index.js';
import { LlmError } from '../errors/llm-error.js';
import { modelFetch } from '../transport/model-fetch.js';
import { callChatCompletions } from '../protocols/chat-completions.js';
import { CLAUDE_CALL_ID } from '../protocols/call-ids.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { callClaude } from './anthropic.js';
import { callGoogle } from './gemini.js';
import { fromEnvironment } from './environment.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** Where models are served when nobody says it (LiteLLM's). */
const DEFAULT_LOCATION = 'us-central1';
/** Claude's protocol as Vertex names it (https://docs.anthropic.com/en/api/claude-on-vertex-ai). */
const CLAUDE_VERSION = 'vertex-2023-10-16';

/**
 * Models on Google Cloud's Vertex AI: Gemini by its own protocol, Claude by Anthropic's, `vendor/model` by
 * chat completions. Project, location and credentials come from the environment, as LiteLLM has it
 * (https://docs.litellm.ai/docs/providers/vertex); the config's `api_key` may hold the JSON of a service
 * account instead.
 */
export const vertex: Provider = {
  errorFamily: 'Vertex_aiException',
  callIds: CLAUDE_CALL_ID,
  call: callVertex,
};

async function callVertex(call: ProviderCall): Promise<ProviderAnswer> {
  const { config } = call.request;
  const { googleAccess } = await import('./google-access.js');
  const { project, token } = await googleAccess(config.api_key ?? fromEnvironment(['VERTEXAI_CREDENTIALS']));
  const named = fromEnvironment(['VERTEXAI_PROJECT', 'GOOGLE_CLOUD_PROJECT']) ?? project ?? null;
  if (named === null) {
    throw new LlmError(
      'LLMBadRequestError',
      'litellm.BadRequestError: vertex_ai: no project. Set VERTEXAI_PROJECT in the environment.',
      400,
    );
  }
  const location =
    fromEnvironment(['VERTEXAI_LOCATION', 'VERTEX_LOCATION', 'GOOGLE_CLOUD_LOCATION']) ?? DEFAULT_LOCATION;
  const root = withoutTrailingSlashes(config.base_url ?? address(location));
  const place = `${root}/v1/projects/${named}/locations/${location}`;
  const bearer = await token(call.signal);
  if (call.model.startsWith('claude-')) {
    return callClaude(call, {
      apiKey: 'unused',
      fetch: claudeFetch(`${place}/publishers/anthropic/models/${call.model}`, bearer),
    });
  }
  if (call.model.includes('/')) {
    return callChatCompletions(call, {
      baseUrl: `${place}/endpoints/openapi`,
      apiKey: bearer,
      limitFields: ['max_tokens'],
      cacheKey: false,
      effort: false,
    });
  }
  return callGoogle(call, {
    // The SDK words requests for Vertex in another way when it is called so.
    name: 'google.vertex.chat',
    baseURL: `${place}/publishers/google`,
    apiKey: 'unused',
    fetch: (input, init) => modelFetch(input, { ...init, headers: bearerHeaders(init, bearer) }),
  });
}

/** https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations */
function address(location: string): string {
  if (location === 'global') return 'https://aiplatform.googleapis.com';
  if (location === 'us' || location === 'eu') return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

/** The model stands in the address, the version in the body. */
function claudeFetch(address: string, bearer: string): typeof fetch {
  return (_, init) => {
    const { model: _model, ...body } = bodyFields(init);
    const action = body['stream'] === true ? 'streamRawPredict' : 'rawPredict';
    const headers = bearerHeaders(init, bearer);
    headers.delete('anthropic-version');
    return modelFetch(`${address}:${action}`, {
      ...init,
      headers,
      body: JSON.stringify({ ...body, anthropic_version: CLAUDE_VERSION }),
    });
  };
}

function bodyFields(init: RequestInit | undefined): Record<string, unknown> {
  const text = typeof init?.body === 'string' ? init.body : '{}';
  return asJsonObject(JSON.parse(text));
}

/** Instead of the keys that the SDKs send. */
function bearerHeaders(init: RequestInit | undefined, bearer: string): Headers {
  const headers = new Headers(init?.headers);
  headers.delete('x-api-key');
  headers.delete('x-goog-api-key');
  headers.set('authorization', `Bearer ${bearer}`);
  return headers;
}
