import { withOverrides } from './capability-overrides.js';
import type { LlmConfig } from '../request/llm-config.js';
import type { ModelFeatures, ThinkingMode } from './feature-types.js';
import { parseModelName } from './model-name.js';

/** A family of models, identified by the last part of their names. The first match counts. */
interface ModelFamily {
  pattern: RegExp;
  input?: number;
  output?: number;
  vision?: boolean;
  thinking?: ThinkingMode;
}

/**
 * Limits and image support of well-known families. Sources, read in November 2026:
 * platform.openai.com/docs/models, docs.anthropic.com/en/docs/about-claude/models,
 * ai.google.dev/gemini-api/docs/models, api-docs.deepseek.com/quick_start/pricing. OpenAI's input limit is
 * the context window minus the output limit.
 */
const FAMILIES: readonly ModelFamily[] = [
  { pattern: /^gpt-4o/, input: 128_000, output: 16_384, vision: true },
  { pattern: /^gpt-4\.1/, input: 1_047_576, output: 32_768, vision: true },
  { pattern: /^gpt-4-turbo/, input: 128_000, output: 4_096, vision: true },
  {
    pattern: /^gpt-(6|5\.[4-9])(?!.*(mini|nano|codex))/,
    input: 922_000,
    output: 128_000,
    vision: true,
  },
  { pattern: /^gpt-[56]|^codex-/, input: 272_000, output: 128_000, vision: true },
  { pattern: /^o[34](-|$)/, input: 200_000, output: 100_000, vision: true },
  { pattern: /^o1(-|$)/, input: 200_000, output: 100_000, vision: true },
  {
    pattern: /^claude-(opus-4-[678]|sonnet-4-6|(opus|sonnet|haiku|fable|mythos)-5)/,
    input: 1_000_000,
    output: 128_000,
    vision: true,
    thinking: 'adaptive',
  },
  {
    pattern: /^claude-(sonnet-4|haiku-4|opus-4-5|3-7-sonnet)/,
    input: 200_000,
    output: 64_000,
    vision: true,
    thinking: 'manual',
  },
  { pattern: /^claude-opus-4/, input: 200_000, output: 32_000, vision: true, thinking: 'manual' },
  { pattern: /^claude-3/, input: 200_000, output: 8_192, vision: true },
  { pattern: /^claude-/, vision: true },
  { pattern: /^gemini-(2\.5|[34])/, input: 1_048_576, output: 65_536, vision: true },
  { pattern: /^gemini-/, input: 1_048_576, output: 8_192, vision: true },
  { pattern: /^deepseek-v4/, input: 1_000_000, output: 393_216 },
  { pattern: /^deepseek-(reasoner|chat)/, input: 131_072, output: 65_536 },
  { pattern: /^kimi-k3/, input: 1_048_576, vision: true },
  { pattern: /^kimi-k2\.[5-9]/, input: 262_144, vision: true },
  { pattern: /^kimi-k2/, input: 262_144 },
  { pattern: /^grok-4(-\d)?-fast/, input: 2_000_000, vision: true },
  { pattern: /^grok-4/, input: 256_000, vision: true },
  { pattern: /^glm-5/, input: 1_048_576 },
  { pattern: /^minimax-m3/, input: 1_000_000 },
  { pattern: /^devstral-/, input: 262_144 },
  { pattern: /^mistral-large/, input: 262_144, vision: true },
  { pattern: /^llama3(:|$)/, input: 8_192 },
];

/** Families that do not support `reasoning_effort`. Unknown models are assumed to support it. */
const NO_EFFORT =
  /^(gpt-4|gpt-3|chatgpt-|llama|gemma|mistral|mixtral|codestral|claude-3-[05]|claude-3-(opus|haiku|sonnet))/;

/** Models whose vendors require their reasoning to be sent back (Kimi, DeepSeek reasoner, MiniMax). */
const ECHO_REASONING = /kimi|deepseek-reasoner|minimax/i;

/**
 * Models whose services accept content only as a string: GLM everywhere, DeepSeek and MiniMax under their own
 * prefixes or at OpenRouter (measured on the original).
 */
const PLAIN_STRINGS = /^deepseek\/|^openrouter\/(deepseek|minimax)|glm-\d/i;

/**
 * Models that reject `stop`: OpenAI's reasoning models (https://platform.openai.com/docs/api-reference/chat)
 * and Grok (https://docs.x.ai/docs/models).
 */
const NO_STOP = /^(o[1-9](-|$)|gpt-[56]|codex-|grok-4|grok-code|deepseek-r1)/;

/** Providers with model names of their own: only the limits of Claude models can be derived from a name. */
const OPAQUE_PROVIDERS = new Set(['litellm_proxy', 'ollama_chat', 'groq']);

/** The bare model name, without vendor, region and version added by resellers. */
function familyName(model: string): string {
  const last = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  return last.replace(/^([a-z]{2,6}\.)?(anthropic|meta|amazon|mistral|deepseek)\./, '');
}

/** Providers that do not download images. */
const NO_IMAGE_ADDRESSES = new Set(['bedrock', 'gemini', 'ollama', 'ollama_chat', 'vertex_ai']);

/**
 * The features of the model of a config. `model_canonical_name` takes precedence over `model`, and overrides
 * of the config take precedence over what is known.
 */
export function modelFeatures(config: LlmConfig): ModelFeatures {
  const features = withOverrides(knownFeatures(config), config.capability_overrides);
  return {
    ...features,
    cacheMarks: features.cacheMarks && config.caching_prompt,
    vision: features.vision && config.disable_vision !== true,
    stopWords: features.stopWords && !config.disable_stop_word,
    plainStrings: config.force_string_serializer ?? (!config.native_tool_calling || features.plainStrings),
    inlineImages: config.inline_image_urls ?? features.inlineImages,
  };
}

function knownFeatures(config: LlmConfig): ModelFeatures {
  const { provider, model } = parseModelName(config.model_canonical_name ?? config.model);
  const name = familyName(model);
  const family = FAMILIES.find(({ pattern }) => pattern.test(name));
  const claude = name.startsWith('claude-');
  const limits = OPAQUE_PROVIDERS.has(provider) && !claude ? undefined : family;
  const reasoningEffort = !NO_EFFORT.test(name) && (provider !== 'litellm_proxy' || family !== undefined);
  return {
    claude,
    vision: family?.vision ?? false,
    reasoningEffort,
    // Reasoning models reject sampling parameters, except Google's.
    sampling: !reasoningEffort || name.startsWith('gemini-'),
    inlineImages: NO_IMAGE_ADDRESSES.has(provider),
    thinking: family?.thinking ?? 'none',
    cacheMarks: claude,
    echoReasoning: ECHO_REASONING.test(name),
    plainStrings: PLAIN_STRINGS.test(config.model),
    stopWords: !NO_STOP.test(name),
    responsesApi: /^(gpt-[56]|gpt-4\.1|codex-mini|o1-pro|o3(-pro)?($|-\d))/.test(name),
    cacheRetention: /^(gpt-5|gpt-4\.1)/.test(name) && !/mini|nano/.test(name) && provider !== 'azure',
    maxInputTokens: config.max_input_tokens ?? limits?.input ?? null,
    maxOutputTokens: maxOutput(config, name, limits),
  };
}

/**
 * The output limit to request. Behind a custom `base_url` the model may be smaller than its name says, so at
 * most 16,384 are requested there. A limit as large as the input would leave no room for the prompt and is
 * halved.
 */
function maxOutput(config: LlmConfig, name: string, limits: ModelFamily | undefined): number | null {
  if (config.max_output_tokens !== null) return config.max_output_tokens;
  if (limits?.output === undefined) return null;
  if (name.startsWith('claude-sonnet-4')) return limits.output;
  const output =
    limits.input !== undefined && limits.output >= limits.input
      ? Math.floor(limits.input / 2)
      : limits.output;
  return config.base_url === null ? output : Math.min(output, 16_384);
}

/** The thinking budget for Claude models with a manual budget. It leaves room for an answer. */
export function thinkingBudget(config: LlmConfig, features: ModelFeatures): number | null {
  const { extended_thinking_budget: wanted } = config;
  if (features.thinking !== 'manual' || wanted === null || features.maxOutputTokens === null) return null;
  return Math.min(wanted, features.maxOutputTokens - 1);
}

/**
 * Lets Claude think between tool calls
 * (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking).
 */
export const INTERLEAVED_THINKING = { 'anthropic-beta': 'interleaved-thinking-2025-05-14' } as const;
