import { thinkingTokens, requestedEffort } from '../request/reasoning-effort.js';
import { modelFetch } from '../transport/model-fetch.js';
import { RefusalError } from '../protocols/refusal.js';
import { toAnswer } from '../protocols/answer.js';
import { functionTools, requestHeaders, stopSequences } from '../protocols/request-fields.js';
import { CLAUDE_CALL_ID } from '../protocols/call-ids.js';
import { callLanguageModel } from '../protocols/sdk/language-model.js';
import { jsonFields, isFields, sdkPrompt, type OptionFields } from '../protocols/sdk/prompt.js';
import { canThink, withoutThinking } from '../protocols/thinking-turn.js';
import { awsAccess } from './credentials/aws-access.js';
import type { Provider, ProviderAnswer, ProviderCall } from './provider.js';

/** LiteLLM's prefixes of a model: the protocol, and the region, which `awsAccess` reads. */
const LITELLM_ROUTE = /^((converse|invoke)\/)?([a-z]{2}(-[a-z]+)+-\d\/)?/;

/**
 * Models of AWS Bedrock through the converse protocol
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
 */
export const bedrock: Provider = {
  errorFamily: 'BedrockException',
  callIds: CLAUDE_CALL_ID,
  call: callBedrock,
};

async function callBedrock(call: ProviderCall): Promise<ProviderAnswer> {
  const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
  const { config, tools } = call.request;
  const { features } = call;
  const { region, bearerToken, credentials } = await awsAccess(config, call.model);
  // Resolved outside the SDK, which would wrap errors of the credentials.
  const keys = bearerToken === '' ? await credentials() : NO_KEYS;
  const provider = createAmazonBedrock({
    region,
    apiKey: bearerToken,
    credentialProvider: () => Promise.resolve(keys),
    fetch: modelFetch,
    baseURL: config.aws_bedrock_runtime_endpoint ?? config.base_url ?? undefined,
  });
  const limit = features.maxOutputTokens;
  const thinking = thinkingOptions(call, limit);
  const messages =
    thinking || !features.claude ? call.request.messages : withoutThinking(call.request.messages);
  const output = await callLanguageModel(
    provider.languageModel(call.model.replace(LITELLM_ROUTE, '')),
    {
      prompt: sdkPrompt(messages, {
        cache: features.cacheMarks ? { bedrock: { cachePoint: { type: 'default' } } } : undefined,
        thinking: (signature) => ({ bedrock: { signature } }),
        redactedThinking: (redactedContent) => ({ bedrock: { redactedContent } }),
      }),
      tools: functionTools(tools),
      stopSequences: stopSequences(call),
      headers: requestHeaders(call),
      maxOutputTokens: limit === null ? undefined : limit - (thinking?.budget ?? 0),
      temperature: thinking ? undefined : (config.temperature ?? undefined),
      topP: thinking ? undefined : (config.top_p ?? undefined),
      providerOptions: { bedrock: { ...thinking?.options, ...extraFields(call, thinking !== undefined) } },
    },
    call,
    { refusalIn: awsException },
  );
  return toAnswer(output, 'completion');
}

/** Fields of the converse protocol; all other extra fields are the model's. */
const CONVERSE_FIELDS = new Set([
  'additionalModelResponseFieldPaths',
  'guardrailConfig',
  'performanceConfig',
  'promptVariables',
  'requestMetadata',
  'serviceTier',
]);

/**
 * The fields of `litellm_extra_body`, and `top_k`, which is a field of the model in the converse protocol.
 */
function extraFields({ request, features }: ProviderCall, thinks: boolean): OptionFields {
  const { litellm_extra_body, top_k } = request.config;
  const { additionalModelRequestFields: given, ...fields } = jsonFields(litellm_extra_body);
  const entries = Object.entries(fields);
  const ofModel = {
    ...(features.claude && !thinks && top_k !== null && { top_k }),
    ...Object.fromEntries(entries.filter(([name]) => !CONVERSE_FIELDS.has(name))),
    ...(isFields(given) ? given : {}),
  };
  const own = Object.fromEntries(entries.filter(([name]) => CONVERSE_FIELDS.has(name)));
  const tier = own['serviceTier'];
  return {
    ...own,
    // The SDK expects the type and creates the object.
    ...(isFields(tier) && { serviceTier: tier['type'] }),
    ...(Object.keys(ofModel).length > 0 && { additionalModelRequestFields: ofModel }),
  };
}

/** Placeholder for requests with a bearer token. */
const NO_KEYS = { accessKeyId: '', secretAccessKey: '' };

/**
 * Thinking follows the reasoning effort, as in LiteLLM. On the wire the output limit includes the budget; the
 * SDK adds the two, so the caller subtracts it.
 */
function thinkingOptions(
  { request, features }: ProviderCall,
  limit: number | null,
): { budget: number; options: OptionFields } | undefined {
  if (features.thinking === 'none') return undefined;
  const effort = requestedEffort(request.config);
  const maxReasoningEffort = effort === 'minimal' ? 'low' : effort;
  if (features.thinking === 'adaptive' && maxReasoningEffort !== null)
    return {
      budget: 0,
      options: { reasoningConfig: { type: 'adaptive', display: 'summarized', maxReasoningEffort } },
    };
  const budget = thinkingTokens(effort);
  if (!canThink(request.messages)) return undefined;
  if (features.thinking !== 'manual' || budget === 0 || limit === null || limit <= budget) return undefined;
  return { budget, options: { reasoningConfig: { type: 'enabled', budgetTokens: budget } } };
}

/**
 * HTTP statuses of AWS's exceptions
 * (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).
 */
const STATUS: Readonly<Record<string, number>> = {
  throttlingException: 429,
  serviceUnavailableException: 503,
  modelTimeoutException: 408,
  validationException: 400,
};

/**
 * Reads an exception in a stream event of the converse protocol. The SDK drops its name, or the whole event.
 */
function awsException(event: unknown): RefusalError | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  const name = Object.keys(event).find((key) => key.endsWith('Exception'));
  if (name === undefined) return undefined;
  const said = new Map<string, unknown>(Object.entries(event)).get(name);
  return new RefusalError(STATUS[name] ?? 500, JSON.stringify(said));
}
