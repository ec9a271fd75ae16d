import { Field, nullable, text, objectSchema, type JsonSchema } from '../http/index.js';

/** Names of providers. */
export interface ProviderNames {
  providers: string[];
}

/** Names of models. */
export interface ModelNames {
  models: string[];
}

/** Names of models by provider. */
export interface VerifiedModels {
  models: Readonly<Record<string, readonly string[]>>;
}

/** Filter of models. */
export class ModelsQuery {
  @Field(nullable(text()), 'Only models of this provider; none for an unknown provider.')
  provider: string | null = null;
}

const names: JsonSchema = { type: 'array', items: { type: 'string' } };

export const PROVIDER_NAMES = objectSchema({
  providers: [names, 'Names of the providers, sorted. A model is named `provider/model`.'],
});
export const MODEL_NAMES = objectSchema({
  models: [names, 'Names of models as `provider/model`, and bare names of verified models, sorted.'],
});
export const VERIFIED = objectSchema({
  models: [
    { type: 'object', additionalProperties: names },
    'Names of models, without the prefix of the provider, by provider; recommended ones first.',
  ],
});
