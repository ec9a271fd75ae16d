import { catalogueModels, describeModel, providerNames } from '../llm/index.js';
import { LLMDto, toLlmConfig } from '../settings/index.js';
import type { DescribedModel, ModelPage } from './models.dto.js';
import { VERIFIED_MODELS } from './verified-models.js';

/** All providers but the one of scripted models. */
export function selectableProviders(): string[] {
  return providerNames().filter((name) => name !== 'scripted');
}

/**
 * The models whose names contain all words, verified ones first.
 * @param provider only its models; null: those of all providers
 */
export async function searchModels(
  words: string,
  provider: string | null,
  limit: number,
): Promise<ModelPage> {
  const wanted = words.toLowerCase().split(/\s+/);
  const isWanted = (name: string): boolean => wanted.every((word) => name.toLowerCase().includes(word));
  const verified = new Set(verifiedNames(provider).filter(isWanted));
  const others = (await catalogueNames(provider)).filter((name) => isWanted(name) && !verified.has(name));
  const names = [...verified, ...others.sort()];
  const items = await Promise.all(names.slice(0, limit).map((name) => describe(name, verified.has(name))));
  return { items, total: names.length };
}

function verifiedNames(provider: string | null): string[] {
  const known = new Set(selectableProviders());
  return Object.entries(VERIFIED_MODELS)
    .filter(([prefix]) => known.has(prefix) && (provider === null || prefix === provider))
    .flatMap(([prefix, models]) => models.map((model) => `${prefix}/${model}`));
}

async function catalogueNames(provider: string | null): Promise<string[]> {
  const prefixes = selectableProviders().filter((prefix) => provider === null || prefix === provider);
  const models = await Promise.all(prefixes.map((prefix) => catalogueModels(prefix)));
  return prefixes.flatMap((prefix, index) => (models[index] ?? []).map((model) => `${prefix}/${model}`));
}

async function describe(name: string, isVerified: boolean): Promise<DescribedModel> {
  const known = await describeModel(toLlmConfig(Object.assign(new LLMDto(), { model: name })));
  return {
    model: name,
    verified: isVerified,
    context_window: known.contextWindow,
    input_price: known.inputPrice,
    output_price: known.outputPrice,
    vision: known.readsImages,
  };
}
