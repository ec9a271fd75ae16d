import { thinkingTokens } from '../model-features.js';
import { toAnswer } from '../protocols/answer.js';
import { functionTools, requestHeaders, stopSequences } from '../protocols/chat-completions.js';
import { callLanguageModel } from '../protocols/language-model.js';
import { sdkPrompt, type OptionFields } from '../protocols/prompt.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** Models behind AWS, by the converse protocol (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). */
export const bedrock: Provider = { errorFamily: 'BedrockException', call: callBedrock };

async function callBedrock(call: ProviderCall): Promise<ProviderAnswer> {
  const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
  const { config, messages, tools } = call.request;
  const { features } = call;
  const provider = createAmazonBedrock({
    // What is not set is looked up in the environment by the SDK, as AWS's own tools do.
    region: config.aws_region_name ?? undefined,
    apiKey: config.api_key ?? undefined,
    accessKeyId: config.aws_access_key_id ?? undefined,
    secretAccessKey: config.aws_secret_access_key ?? undefined,
    sessionToken: config.aws_session_token ?? undefined,
    baseURL: config.aws_bedrock_runtime_endpoint ?? config.base_url ?? undefined,
  });
  const limit = features.maxOutputTokens;
  const thinking = thinkingOptions(call, limit);
  const output = await callLanguageModel(
    provider.languageModel(call.model.replace(/^converse\//, '')),
    {
      prompt: sdkPrompt(messages, {
        cache: features.cacheMarks ? { bedrock: { cachePoint: { type: 'default' } } } : undefined,
        thinking: (signature) => ({ bedrock: { signature } }),
        redactedThinking: (redactedData) => ({ bedrock: { redactedData } }),
      }),
      tools: functionTools(tools),
      stopSequences: stopSequences(call),
      headers: requestHeaders(call),
      maxOutputTokens: limit === null ? undefined : limit - (thinking?.budget ?? 0),
      temperature: thinking ? undefined : (config.temperature ?? undefined),
      topP: thinking ? undefined : (config.top_p ?? undefined),
      providerOptions: thinking ? { bedrock: thinking.options } : undefined,
    },
    call,
  );
  return toAnswer(output, 'completion');
}

/**
 * Claude thinks by the effort there, as LiteLLM has it. The budget is part of the output limit on the wire; the SDK adds
 * the two up, so the caller subtracts.
 */
function thinkingOptions(
  { request, features }: ProviderCall,
  limit: number | null,
): { budget: number; options: OptionFields } | undefined {
  const budget = thinkingTokens(request.config.reasoning_effort);
  if (features.thinking !== 'manual' || budget === 0 || limit === null || limit <= budget) return undefined;
  return { budget, options: { reasoningConfig: { type: 'enabled', budgetTokens: budget } } };
}
