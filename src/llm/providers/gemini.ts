import { thinkingTokens, requestedEffort } from '../request/reasoning-effort.js';
import { modelFetch } from '../transport/model-fetch.js';
import { toAnswer } from '../protocols/answer.js';
import { functionTools, requestHeaders, stopSequences } from '../protocols/request-fields.js';
import { withExtraBody } from '../protocols/sdk/extra-body.js';
import { callLanguageModel } from '../protocols/sdk/language-model.js';
import { sdkPrompt, type OptionFields } from '../protocols/sdk/prompt.js';
import { fromEnvironment } from './credentials/environment.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** Gemini through Google AI Studio's `generateContent` (https://ai.google.dev/api/generate-content). */
export const gemini: Provider = { errorFamily: 'GeminiException', call: callGemini };

async function callGemini(call: ProviderCall): Promise<ProviderAnswer> {
  const { config } = call.request;
  return callGoogle(call, {
    baseURL: config.base_url ?? undefined,
    apiKey: config.api_key ?? fromEnvironment(['GEMINI_API_KEY', 'GOOGLE_API_KEY']) ?? '',
    fetch: modelFetch,
  });
}

/** The endpoint of a service with `generateContent`. */
interface GoogleService {
  name?: string;
  /** Without `/models`. */
  baseURL: string | undefined;
  apiKey: string;
  fetch: typeof fetch;
}

/** Calls a service with `generateContent`. */
export async function callGoogle(call: ProviderCall, service: GoogleService): Promise<ProviderAnswer> {
  const { createGoogleGenerativeAI } = await import('@ai-sdk/google');
  const { config, messages, tools } = call.request;
  const provider = createGoogleGenerativeAI({
    ...service,
    fetch: withExtraBody(service.fetch, config.litellm_extra_body),
  });
  const output = await callLanguageModel(
    provider.languageModel(call.model),
    {
      prompt: sdkPrompt(messages, {
        thoughtSignature: (thoughtSignature) => ({ google: { thoughtSignature } }),
        oneTextPerResult: true,
      }),
      tools: functionTools(tools),
      stopSequences: stopSequences(call),
      headers: requestHeaders(call),
      maxOutputTokens: call.features.maxOutputTokens ?? undefined,
      temperature: config.temperature ?? undefined,
      topP: config.top_p ?? undefined,
      topK: config.top_k ?? undefined,
      seed: config.seed ?? undefined,
      providerOptions: { google: thinkingOptions(call) },
    },
    call,
  );
  return toAnswer(output, 'completion');
}

/** Gemini 2.5 expects a budget, Gemini 3 a level; older models do not think. */
function thinkingOptions({ model, request: { config } }: ProviderCall): OptionFields {
  if (config.reasoning_effort === null || !/^gemini-(2\.5|[3-9])/.test(model)) return {};
  const effort = requestedEffort(config);
  const includeThoughts = effort !== null;
  if (!model.startsWith('gemini-2.5')) {
    const isHigh = effort === 'high' || effort === 'xhigh' || effort === 'max';
    return { thinkingConfig: { thinkingLevel: isHigh ? 'high' : 'low', includeThoughts } };
  }
  const hasLeast = effort === 'minimal' || (effort === null && model.startsWith('gemini-2.5-pro'));
  return {
    thinkingConfig: {
      thinkingBudget: hasLeast ? minimumBudget(model) : thinkingTokens(effort),
      includeThoughts,
    },
  };
}

/**
 * Smaller budgets are rejected; Pro cannot disable thinking (https://ai.google.dev/gemini-api/docs/thinking).
 */
function minimumBudget(model: string): number {
  if (model.startsWith('gemini-2.5-flash-lite')) return 512;
  return model.startsWith('gemini-2.5-flash') ? 1 : 128;
}
