import { Controller, Get, Header, Query } from '@nestjs/common';
import { Operation } from '../http/operation.js';
import { CATALOGUE_SOURCE, catalogueModels, providerNames } from '../llm/index.js';
import {
  ModelsQuery,
  MODEL_NAMES,
  PROVIDER_NAMES,
  VERIFIED,
  type ModelNames,
  type ProviderNames,
  type VerifiedModels,
} from './models.dto.js';
import { VERIFIED_MODELS } from './verified-models.js';

const tag = 'LLM';

/** Where names, prices and most context windows come from. */
const CATALOGUE = `${CATALOGUE_SOURCE.name} ${CATALOGUE_SOURCE.version} of ${CATALOGUE_SOURCE.date}`;

/** Which models there are, for people who choose one: names only, nothing is asked of a provider. */
@Controller('api/llm')
export class ModelsController {
  @Get('providers')
  @Operation({
    tag,
    summary: 'List the providers that this server has a way to',
    answers: {
      200: { description: 'Their names, which are the prefixes of models.', schema: PROVIDER_NAMES },
    },
  })
  providers(): ProviderNames {
    return { providers: [...choosable()].sort() };
  }

  @Get('models')
  @Header('x-model-catalogue', CATALOGUE)
  @Operation({
    tag,
    summary: 'List the names of models',
    description:
      `Those of the price catalogue (${CATALOGUE}) as \`provider/model\`, and the ` +
      'bare names of the verified ones. Others work too: a provider knows its models best.',
    query: ModelsQuery,
    answers: { 200: { description: 'The names, sorted, each once.', schema: MODEL_NAMES } },
  })
  async models(@Query() { provider }: ModelsQuery): Promise<ModelNames> {
    const prefixes = provider === null ? choosable() : choosable().filter((name) => name === provider);
    const known = await Promise.all(prefixes.map((prefix) => catalogueModels(prefix)));
    const named = prefixes.flatMap((prefix, at) => (known[at] ?? []).map((model) => `${prefix}/${model}`));
    const verified = provider === null ? Object.values(VERIFIED_MODELS).flat() : ofProvider(provider);
    return { models: [...new Set([...named, ...verified])].sort() };
  }

  @Get('models/verified')
  @Operation({
    tag,
    summary: 'List the models that clients offer first',
    answers: { 200: { description: 'Names by provider, the best first.', schema: VERIFIED } },
  })
  verified(): VerifiedModels {
    return { models: VERIFIED_MODELS };
  }
}

/** The model that plays scripts is no choice of somebody who looks for a model. */
function choosable(): string[] {
  return providerNames().filter((name) => name !== 'scripted');
}

function ofProvider(provider: string): readonly string[] {
  return Object.hasOwn(VERIFIED_MODELS, provider) ? (VERIFIED_MODELS[provider] ?? []) : [];
}
