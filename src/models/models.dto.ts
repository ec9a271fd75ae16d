import { Field } from '../http/validation/field.js';
import { nullable, text, type JsonSchema } from '../http/validation/field-type.js';

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

/** Whose models are listed. */
export class ModelsQuery {
  @Field(nullable(text()), 'Only the models of this provider; of an unknown one there are none.')
  provider: string | null = null;
}

const names: JsonSchema = { type: 'array', items: { type: 'string' } };
const answer = (property: string, schema: JsonSchema): JsonSchema => ({
  type: 'object',
  properties: { [property]: schema },
  required: [property],
});

export const PROVIDER_NAMES = answer('providers', names);
export const MODEL_NAMES = answer('models', names);
export const VERIFIED = answer('models', { type: 'object', additionalProperties: names });
