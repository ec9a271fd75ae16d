import { LlmError } from '../errors/llm-error.js';
import { parseModelName } from '../catalogue/model-name.js';
import { unknownModel } from '../errors/unknown-model.js';
import { compatibleServices } from './openai-compatible.js';
import * as prefixes from './prefixes.js';
import type { Provider } from './provider.js';

/** Which prefix of a model name leads where. */
const PROVIDERS: Readonly<Record<string, Provider>> = { ...compatibleServices, ...prefixes };

/** A provider, and what it calls the model. */
export interface Route {
  provider: Provider;
  /** The prefix that led to it. */
  prefix: string;
  model: string;
}

/** The prefixes of model names that lead somewhere. */
export function providerNames(): string[] {
  return Object.keys(PROVIDERS);
}

/** What is wrong with a model's name, with those that were probably meant; undefined: somebody serves it. */
export function nameProblem(name: string): string | undefined {
  return findRoute(name) ? undefined : unknownModel(name, Object.keys(PROVIDERS));
}

/**
 * Finds who serves a model.
 * @throws LlmError `LLMBadRequestError` in LiteLLM's words when nobody does
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

/** A prefix alone names no model, but a script needs no name. */
function findRoute(name: string): Route | undefined {
  const { provider: prefix, model } = parseModelName(name);
  const provider = Object.hasOwn(PROVIDERS, prefix) ? PROVIDERS[prefix] : undefined;
  const isNamed = prefix === 'scripted' || !/(^|\/)\s*$/.test(model);
  return provider && isNamed ? { provider, prefix, model } : undefined;
}
