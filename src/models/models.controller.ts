import { Controller, Get, Header, Query } from '@nestjs/common';
import { Scope } from '../auth/index.js';
import { Operation } from '../http/index.js';
import { CATALOGUE_SOURCE, catalogueModels } from '../llm/index.js';
import {
  ModelSearchQuery,
  ModelsQuery,
  MODEL_NAMES,
  MODEL_PAGE,
  PROVIDER_NAMES,
  VERIFIED,
  type ModelNames,
  type ModelPage,
  type ProviderNames,
  type VerifiedModels,
} from './models.dto.js';
import { searchModels, selectableProviders } from './model-search.js';
import { VERIFIED_MODELS } from './verified-models.js';

const tag = 'LLM';

/** The source of model names, prices and most context windows. */
const CATALOGUE = `${CATALOGUE_SOURCE.name} ${CATALOGUE_SOURCE.version} of ${CATALOGUE_SOURCE.date}`;

/** Lists the names of models and providers for users who choose one. Providers are not called. */
@Controller('api/llm')
export class ModelsController {
  @Get('providers')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List providers',
    description: 'For interfaces in which people choose a model. Providers are not called.',
    answers: {
      200: { description: 'The provider names, which are the prefixes of models.', schema: PROVIDER_NAMES },
    },
  })
  providers(): ProviderNames {
    return { providers: [...selectableProviders()].sort() };
  }

  @Get('models')
  @Scope('read', { own: true })
  @Header('x-model-catalogue', CATALOGUE)
  @Operation({
    tag,
    summary: 'List models',
    description:
      `Lists the models of the price catalogue (${CATALOGUE}) as \`provider/model\`, and the bare names of the ` +
      'verified models. Other models of a provider can be used, too.',
    query: ModelsQuery,
    answers: { 200: { description: 'The model names, sorted and unique.', schema: MODEL_NAMES } },
  })
  async models(@Query() { provider }: ModelsQuery): Promise<ModelNames> {
    const providers = selectableProviders();
    const prefixes = provider === null ? providers : providers.filter((name) => name === provider);
    const known = await Promise.all(prefixes.map((prefix) => catalogueModels(prefix)));
    const named = prefixes.flatMap((prefix, index) =>
      (known[index] ?? []).map((model) => `${prefix}/${model}`),
    );
    const verified = provider === null ? Object.values(VERIFIED_MODELS).flat() : verifiedModelsOf(provider);
    return { models: [...new Set([...named, ...verified])].sort() };
  }

  @Get('models/search')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Search models',
    description:
      'Finds models by words of their names, with context window and prices, for interfaces in which people ' +
      'choose a model. Other models of a provider can be used, too.',
    query: ModelSearchQuery,
    answers: { 200: { description: 'The models found.', schema: MODEL_PAGE } },
  })
  search(@Query() { text, provider, limit }: ModelSearchQuery): Promise<ModelPage> {
    return searchModels(text, provider, limit);
  }

  @Get('models/verified')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List verified models',
    description:
      'The models that were tried with agents. Interfaces offer them first; other models work, too.',
    answers: { 200: { description: 'Model names by provider, recommended ones first.', schema: VERIFIED } },
  })
  verified(): VerifiedModels {
    return { models: VERIFIED_MODELS };
  }
}

function verifiedModelsOf(provider: string): readonly string[] {
  return Object.hasOwn(VERIFIED_MODELS, provider) ? (VERIFIED_MODELS[provider] ?? []) : [];
}
