import { Field, integer, nullable, text, objectSchema, type JsonSchema } from '../http/index.js';

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

/** A model and what is known about it. Field names are the wire's. */
export interface DescribedModel {
  model: string;
  verified: boolean;
  context_window: number | null;
  input_price: number | null;
  output_price: number | null;
  vision: boolean;
}

/** The first models that a search has found. */
export interface ModelPage {
  items: DescribedModel[];
  total: number;
}

/** What models to search for. */
export class ModelSearchQuery {
  @Field(text({ max: 200 }), 'Words that the name `provider/model` contains, in any order and case.')
  text = '';

  @Field(nullable(text()), 'Only models of this provider; none for an unknown provider.')
  provider: string | null = null;

  @Field(integer({ gt: 0, le: 100 }), 'Maximum number of models in the answer.')
  limit = 30;
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
const price = { type: ['number', 'null'] } satisfies JsonSchema;
const described = objectSchema({
  model: [{ type: 'string' }, 'Name of the model as `provider/model`.'],
  verified: [{ type: 'boolean' }, 'Whether it was tried with agents.'],
  context_window: [{ type: ['integer', 'null'] }, 'Limit of input tokens; null if unknown.'],
  input_price: [price, 'US dollars for a million input tokens of a short prompt; null if unknown.'],
  output_price: [price, 'US dollars for a million output tokens; null if unknown.'],
  vision: [{ type: 'boolean' }, 'Whether it reads images, as far as known.'],
});
export const MODEL_PAGE = objectSchema({
  items: [{ type: 'array', items: described }, 'The first models, verified ones before others.'],
  total: [{ type: 'integer' }, 'Number of models that were found.'],
});
