import { LlmError } from '../errors/llm-error.js';
import { parseModelName } from '../catalogue/model-name.js';
import { unknownModel } from '../errors/unknown-model.js';
import { compatibleServices } from './openai-compatible.js';
import * as prefixes from './prefixes.js';
import type { Provider } from './provider.js';

/** Providers by the prefix of model names. */
const PROVIDERS: Readonly<Record<string, Provider>> = { ...compatibleServices, ...prefixes };

/** The provider of a model, and the provider's name of it. */
export interface Route {
  provider: Provider;
  /** The prefix of the model name. */
  prefix: string;
  model: string;
}

/** All prefixes of model names. */
export function providerNames(): string[] {
  return Object.keys(PROVIDERS);
}

/** The prefix of a model name; empty if no provider serves it. */
export function providerOf(name: string): string {
  return findRoute(name)?.prefix ?? '';
}

/** The error text for a model name that no provider serves, with suggestions; undefined for a valid name. */
export function nameProblem(name: string): string | undefined {
  return findRoute(name) ? undefined : unknownModel(name, Object.keys(PROVIDERS));
}

/**
 * Finds the provider of a model.
 * @throws LlmError `LLMBadRequestError` with LiteLLM's text if there is none
 */
export function routeModel(name: string): Route {
  const route = findRoute(name);
  if (route) return route;
  throw new LlmError(
    'LLMBadRequestError',
    'litellm.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider you are trying to call. ' +
      `You passed model=${name}\n Pass model as E.g. For 'Huggingface' inference endpoints pass in ` +
      "`completion(model='huggingface/starcoder',..)` Learn more: https://docs.litellm.ai/docs/providers\n " +
      unknownModel(name, Object.keys(PROVIDERS)),
    400,
  );
}

/** A prefix alone names no model, except that scripts need no name. */
function findRoute(name: string): Route | undefined {
  const { provider: prefix, model } = parseModelName(name);
  const provider = Object.hasOwn(PROVIDERS, prefix) ? PROVIDERS[prefix] : undefined;
  const isNamed = prefix === 'scripted' || !/(^|\/)\s*$/.test(model);
  return provider && isNamed ? { provider, prefix, model } : undefined;
}
