import { LlmError } from '../errors/llm-error.js';
import { callChatCompletions } from '../protocols/chat-completions.js';
import { callResponses } from '../protocols/responses.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { apiKey, fromEnvironment } from './environment.js';
import { bearer, usesResponses } from './openai.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** The version of the protocol when the config names none: the original's. */
const DEFAULT_API_VERSION = '2024-12-01-preview';

/**
 * Versions of the protocol that have the path of their own
 * (https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle).
 */
const V1_VERSIONS = new Set(['v1', 'latest', 'preview']);

/** Azure OpenAI: `base_url` is the resource, the model name its deployment. */
export const azure: Provider = { errorFamily: 'AzureException', call: callAzure };

async function callAzure(call: ProviderCall): Promise<ProviderAnswer> {
  const { resource, deployment, version, isV1 } = azureAddress(call);
  const root = isV1 ? `${resource}/openai/v1` : `${resource}/openai`;
  const headers = credentials(call);
  const queryParams: Record<string, string> = isV1 && version !== 'preview' ? {} : { 'api-version': version };
  if (usesResponses(call)) return callResponses(call, { baseUrl: root, headers, queryParams });
  return callChatCompletions(call, {
    baseUrl: isV1 ? root : `${root}/deployments/${encodeURIComponent(deployment)}`,
    apiKey: null,
    headers,
    queryParams,
    // What reasons refuses the old name of the limit.
    limitFields: [call.features.reasoningEffort ? 'max_completion_tokens' : 'max_tokens'],
    cacheKey: true,
    effort: call.features.reasoningEffort,
    strictSampling: true,
  });
}

/** A key, or a token of Entra ID. */
function credentials(call: ProviderCall): Record<string, string> {
  const key = apiKey(call, { keys: ['AZURE_API_KEY', 'AZURE_OPENAI_API_KEY'] });
  return key === null ? bearer(fromEnvironment(['AZURE_AD_TOKEN'])) : { 'api-key': key };
}

interface AzureAddress {
  /** Without a path. */
  resource: string;
  deployment: string;
  version: string;
  isV1: boolean;
}

/**
 * People paste the resource, the address that the portal shows for a deployment, or the one of the v1
 * protocol.
 */
function azureAddress({ request, model }: ProviderCall): AzureAddress {
  const given = request.config.base_url ?? fromEnvironment(['AZURE_API_BASE', 'AZURE_OPENAI_ENDPOINT']);
  if (given === null) {
    throw new LlmError(
      'LLMBadRequestError',
      'litellm.BadRequestError: AzureException - no address. Set base_url or AZURE_API_BASE to the resource.',
      400,
    );
  }
  const [written = '', query = ''] = given.split('?', 2);
  const address = withoutTrailingSlashes(written);
  const path = address.search(/\/openai(?:\/|$)/);
  const resource = path === -1 ? address : address.slice(0, path);
  const rest = path === -1 ? '' : address.slice(path + '/openai'.length);
  const version =
    request.config.api_version ??
    new URLSearchParams(query).get('api-version') ??
    fromEnvironment(['AZURE_API_VERSION']) ??
    DEFAULT_API_VERSION;
  return {
    resource: withoutTrailingSlashes(resource),
    deployment: /^\/deployments\/([^/]+)/.exec(rest)?.[1] ?? model,
    version,
    isV1: rest.startsWith('/v1') || V1_VERSIONS.has(version),
  };
}
