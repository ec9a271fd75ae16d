import type { LanguageModelV3CallOptions } from '@ai-sdk/provider';
import { INTERLEAVED_THINKING, thinkingBudget } from '../catalogue/model-features.js';
import { wantedEffort } from '../request/reasoning-effort.js';
import { modelFetch } from '../transport/model-fetch.js';
import { toAnswer } from '../protocols/answer.js';
import { functionTools, requestHeaders, stopSequences } from '../protocols/chat-completions.js';
import { CLAUDE_CALL_ID } from '../protocols/call-ids.js';
import { withExtraBody } from '../protocols/extra-body.js';
import { callLanguageModel } from '../protocols/language-model.js';
import { sdkPrompt, type OptionFields, type PromptMarks } from '../protocols/prompt.js';
import { mayThink, withoutThinking } from '../protocols/thinking-turn.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { fromEnvironment } from './environment.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** Tokens of an answer when the model's own limit is not known: the protocol wants a number. */
const DEFAULT_OUTPUT = 4096;

/** Claude by Anthropic's messages (https://docs.anthropic.com/en/api/messages). */
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

/** Where Claude is served, and how to get in. */
export interface ClaudeService {
  /** Ends before `/messages`. */
  baseURL?: string;
  apiKey: string;
  fetch: typeof fetch;
}

/** Asks a service that speaks Anthropic's messages. */
export async function callClaude(call: ProviderCall, service: ClaudeService): Promise<ProviderAnswer> {
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  const { tools } = call.request;
  const provider = createAnthropic({
    baseURL: service.baseURL,
    apiKey: service.apiKey,
    fetch: withoutUnusedBeta(withExtraBody(service.fetch, call.request.config.litellm_extra_body)),
  });
  const { thinks, headers, ...options } = claudeOutput(call);
  // Of other models that speak this protocol nobody knows whether they think; what they signed they want
  // back.
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
 * The SDK asks for structured outputs whenever there are tools. We never use them, and some resellers refuse
 * the flag.
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

/** The SDK wants the address with its version, the config's stands without. */
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
 * Output limit, thinking and sampling. Thinking tokens are part of the limit on the wire; the SDK adds them
 * to what it is given, so it is given the rest.
 */
function claudeOutput({
  request,
  features,
}: ProviderCall): Omit<LanguageModelV3CallOptions, 'prompt'> & { thinks: boolean } {
  const { config } = request;
  const limit = features.maxOutputTokens ?? DEFAULT_OUTPUT;
  // Arguments are wanted whole: piecemeal ones come unchecked.
  const options: OptionFields = { toolStreaming: false };
  const budgetTokens = mayThink(request.messages) ? thinkingBudget(config, features) : null;
  if (budgetTokens !== null) {
    return {
      thinks: true,
      maxOutputTokens: limit - budgetTokens,
      headers: INTERLEAVED_THINKING,
      providerOptions: { anthropic: { ...options, thinking: { type: 'enabled', budgetTokens } } },
    };
  }
  const isAdaptive = features.thinking === 'adaptive';
  const effort = isAdaptive ? wantedEffort(config) : null;
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
    // The versions that are told an effort refuse these, thinking or not.
    ...(!isAdaptive && {
      temperature: config.temperature ?? undefined,
      topP: config.top_p ?? undefined,
      topK: config.top_k ?? undefined,
    }),
    providerOptions: { anthropic: options },
  };
}
