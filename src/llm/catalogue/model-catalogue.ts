import type * as Prices from '@pydantic/genai-prices';
import type { LlmConfig } from '../request/llm-config.js';
import type { LlmUsage } from '../request/llm-request.js';
import { modelFeatures } from './model-features.js';
import { parseModelName } from './model-name.js';

/** The source of prices and most context windows: a snapshot in the package, nothing is fetched. */
export const CATALOGUE_SOURCE = {
  name: '@pydantic/genai-prices',
  version: '0.1.8',
  /** Date of publication. */
  date: '2026-09-23',
  url: 'https://github.com/pydantic/genai-prices',
} as const;

/** The catalogue's names of providers that differ from our prefixes. */
const CATALOGUE_PROVIDERS: Readonly<Record<string, string>> = {
  bedrock: 'aws',
  gemini: 'google',
  moonshot: 'moonshotai',
  vertex_ai: 'google',
  xai: 'x-ai',
};

let loading: Promise<typeof Prices> | undefined;

/** Loads the price table (half a megabyte) on first use. */
export function loadPrices(): Promise<typeof Prices> {
  loading ??= import('@pydantic/genai-prices');
  return loading;
}

/** The catalogue's models of a provider, by our prefix. */
export async function catalogueModels(prefix: string): Promise<string[]> {
  const { findProvider } = await loadPrices();
  const provider = findProvider({ providerId: CATALOGUE_PROVIDERS[prefix] ?? prefix });
  return provider?.models.map(({ id }) => id) ?? [];
}

type Tokens = Omit<LlmUsage, 'context_window'>;

/** Cost and context window of an answer. */
interface PricedAnswer {
  /** US dollars; null if the price is unknown. */
  cost: number | null;
  /** Tokens; 0 if unknown. */
  contextWindow: number;
}

/**
 * The cost of an answer and the model's input limit. Prices of the config take precedence (both must be set),
 * then the cost reported by a proxy (`x-litellm-response-cost`), then the price table at that time: some
 * services charge less at night.
 */
export async function priceAnswer(
  config: LlmConfig,
  tokens: Tokens,
  headers: Record<string, string> | undefined,
  at: Date,
): Promise<PricedAnswer> {
  const known = await lookUp(config, tokens, at);
  const contextWindow = modelFeatures(config).maxInputTokens ?? known?.contextWindow ?? 0;
  return { cost: customCost(config, tokens) ?? chargedCost(headers) ?? known?.cost ?? null, contextWindow };
}

/** What is known about a model before it is used; null: unknown. */
export interface ModelDescription {
  /** Limit of input tokens. */
  contextWindow: number | null;
  /** US dollars for a million input tokens, in a short prompt. */
  inputPrice: number | null;
  /** US dollars for a million output tokens, after a short prompt. */
  outputPrice: number | null;
  readsImages: boolean;
}

/** Tokens of the call whose cost tells the price: some models charge more for each token of a long prompt. */
const PRICED_TOKENS = 1_000;

/** The limits and the present prices of a model. */
export async function describeModel(config: LlmConfig): Promise<ModelDescription> {
  const at = new Date();
  const none = { prompt_tokens: 0, completion_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 };
  const tokens = { ...none, reasoning_tokens: 0 };
  const input = await priceAnswer(config, { ...tokens, prompt_tokens: PRICED_TOKENS }, undefined, at);
  const output = await priceAnswer(config, { ...tokens, completion_tokens: PRICED_TOKENS }, undefined, at);
  return {
    contextWindow: input.contextWindow || null,
    inputPrice: perMillion(input.cost),
    outputPrice: perMillion(output.cost),
    readsImages: modelFeatures(config).vision,
  };
}

/** Rounded, because sums of small numbers are not exact. */
function perMillion(cost: number | null): number | null {
  return cost === null ? null : Number(((cost * 1_000_000) / PRICED_TOKENS).toPrecision(6));
}

function customCost(config: LlmConfig, tokens: Tokens): number | null {
  const { input_cost_per_token: input, output_cost_per_token: output } = config;
  if (input === null || output === null) return null;
  return tokens.prompt_tokens * input + tokens.completion_tokens * output;
}

function chargedCost(headers: Record<string, string> | undefined): number | null {
  const value = headers?.['x-litellm-response-cost'];
  const cost = value === undefined || value === '' ? Number.NaN : Number(value);
  return Number.isFinite(cost) && cost >= 0 ? cost : null;
}

/** Models that are not in the price table, because a search through all of it is slow. */
const unknownModels = new Set<string>();
const MAX_UNKNOWN_MODELS = 1_000;

async function lookUp(
  config: LlmConfig,
  tokens: Tokens,
  at: Date,
): Promise<{ cost: number; contextWindow?: number } | null> {
  const { provider, model } = parseModelName(config.model_canonical_name ?? config.model);
  if (provider === 'scripted' || provider === '') return null;
  const { calcPrice } = await loadPrices();
  const usage = {
    input_tokens: tokens.prompt_tokens,
    output_tokens: tokens.completion_tokens,
    cache_read_tokens: tokens.cache_read_tokens,
    cache_write_tokens: tokens.cache_write_tokens,
  };
  // AWS's protocol is not part of the name there.
  const name = model.replace(/^(converse|converse_like|invoke)\//, '');
  const providerId = CATALOGUE_PROVIDERS[provider] ?? provider;
  const asked = `${providerId}/${name}`;
  if (unknownModels.has(asked)) return null;
  const answer = calcPrice(usage, name, { providerId, timestamp: at });
  if (!answer && unknownModels.size < MAX_UNKNOWN_MODELS) unknownModels.add(asked);
  return answer && { cost: answer.total_price, contextWindow: answer.model.context_window };
}
