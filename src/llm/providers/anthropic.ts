import type { LanguageModelV3CallOptions } from '@ai-sdk/provider';
import { INTERLEAVED_THINKING, thinkingBudget } from '../catalogue/model-features.js';
import { requestedEffort } from '../request/reasoning-effort.js';
import { modelFetch } from '../transport/model-fetch.js';
import { toAnswer } from '../protocols/answer.js';
import { functionTools, requestHeaders, stopSequences } from '../protocols/request-fields.js';
import { CLAUDE_CALL_ID } from '../protocols/call-ids.js';
import { withExtraBody } from '../protocols/sdk/extra-body.js';
import { callLanguageModel } from '../protocols/sdk/language-model.js';
import { sdkPrompt, type OptionFields, type PromptMarks } from '../protocols/sdk/prompt.js';
import { canThink, withoutThinking } from '../protocols/thinking-turn.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { fromEnvironment } from './credentials/environment.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** Output limit if the model's own is unknown: the protocol requires one. */
const DEFAULT_OUTPUT = 4096;

/** Claude through Anthropic's messages (https://docs.anthropic.com/en/api/messages). */
export const anthropic: Provider = {
  errorFamily: 'AnthropicException',
  callIds: CLAUDE_CALL_ID,
  call: callAnthropic,
};

async function callAnthropic(call: ProviderCall): Promise<ProviderAnswer> {
  const { config } = call.request;
  return callClaude(call, {
    baseURL: versioned(config.base_url ?? fromEnvironment(['ANTHROPIC_API_BASE', 'ANTHROPIC_BASE_URL'])),
    apiKey: config.api_key ?? fromEnvironment(['ANTHROPIC_API_KEY']) ?? '',
    fetch: modelFetch,
  });
}

/** The endpoint of a service with Anthropic's messages. */
interface ClaudeService {
  /** Without `/messages`. */
  baseURL?: string;
  apiKey: string;
  fetch: typeof fetch;
}

/** Calls a service with Anthropic's messages. */
export async function callClaude(call: ProviderCall, service: ClaudeService): Promise<ProviderAnswer> {
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  const { tools } = call.request;
  const provider = createAnthropic({
    baseURL: service.baseURL,
    apiKey: service.apiKey,
    fetch: withoutUnusedBeta(withExtraBody(service.fetch, call.request.config.litellm_extra_body)),
  });
  const { thinks, headers, ...options } = claudeOutput(call);
  // Whether other models with this protocol think is unknown; they expect what they signed.
  const messages =
    thinks || !call.features.claude ? call.request.messages : withoutThinking(call.request.messages);
  const output = await callLanguageModel(
    provider.languageModel(call.model),
    {
      ...options,
      prompt: sdkPrompt(messages, anthropicMarks(call)),
      tools: functionTools(tools),
      stopSequences: stopSequences(call),
      headers: { ...headers, ...requestHeaders(call) },
    },
    call,
  );
  return toAnswer(output, 'completion');
}

/**
 * Removes a beta flag that the SDK sets whenever there are tools: structured outputs are not used here, and
 * some resellers reject the flag.
 */
const withoutUnusedBeta =
  (send: typeof fetch): typeof fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers);
    const betas = (headers.get('anthropic-beta') ?? '').split(',').map((beta) => beta.trim());
    const wanted = betas.filter((beta) => beta !== '' && !beta.startsWith('structured-outputs-'));
    if (wanted.length > 0) headers.set('anthropic-beta', wanted.join(','));
    else headers.delete('anthropic-beta');
    return send(input, { ...init, headers });
  };

/** The SDK expects the version in the address; the config omits it. */
function versioned(baseUrl: string | null): string | undefined {
  if (baseUrl === null) return undefined;
  const root = withoutTrailingSlashes(baseUrl);
  return root.endsWith('/v1') ? root : `${root}/v1`;
}

function anthropicMarks({ features }: ProviderCall): PromptMarks {
  return {
    cache: features.cacheMarks ? { anthropic: { cacheControl: { type: 'ephemeral' } } } : undefined,
    thinking: (signature) => ({ anthropic: { signature } }),
    redactedThinking: (redactedData) => ({ anthropic: { redactedData } }),
  };
}

/**
 * Output limit, thinking and sampling. On the wire the limit includes thinking tokens; the SDK adds them to
 * its own limit, so they are subtracted here.
 */
function claudeOutput({
  request,
  features,
}: ProviderCall): Omit<LanguageModelV3CallOptions, 'prompt'> & { thinks: boolean } {
  const { config } = request;
  const limit = features.maxOutputTokens ?? DEFAULT_OUTPUT;
  // Fine-grained streaming would send arguments that the provider has not validated.
  const options: OptionFields = { toolStreaming: false };
  const budgetTokens = canThink(request.messages) ? thinkingBudget(config, features) : null;
  if (budgetTokens !== null) {
    return {
      thinks: true,
      maxOutputTokens: limit - budgetTokens,
      headers: INTERLEAVED_THINKING,
      providerOptions: { anthropic: { ...options, thinking: { type: 'enabled', budgetTokens } } },
    };
  }
  const isAdaptive = features.thinking === 'adaptive';
  const effort = isAdaptive ? requestedEffort(config) : null;
  if (effort !== null) {
    return {
      thinks: true,
      maxOutputTokens: limit,
      providerOptions: {
        anthropic: {
          ...options,
          thinking: { type: 'adaptive', display: 'summarized' },
          effort: effort === 'minimal' ? 'low' : effort,
        },
      },
    };
  }
  return {
    thinks: false,
    maxOutputTokens: limit,
    // Models with adaptive thinking reject these even if they do not think.
    ...(!isAdaptive && {
      temperature: config.temperature ?? undefined,
      topP: config.top_p ?? undefined,
      topK: config.top_k ?? undefined,
    }),
    providerOptions: { anthropic: options },
  };
}
