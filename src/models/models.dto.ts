import { Field, nullable, text, type JsonSchema } from '../http/index.js';

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
const objectWith = (property: string, schema: JsonSchema): JsonSchema => ({
  type: 'object',
  properties: { [property]: schema },
  required: [property],
});

export const PROVIDER_NAMES = objectWith('providers', names);
export const MODEL_NAMES = objectWith('models', names);
export const VERIFIED = objectWith('models', { type: 'object', additionalProperties: names });
