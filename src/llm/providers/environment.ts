import { LlmError } from '../errors/llm-error.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import type { ProviderCall } from './provider.js';

/**
 * Where a service is found when the config does not say it. Names of variables are LiteLLM's, the first that
 * is set counts.
 */
export interface ServiceAddress {
  /** Variables with a key. */
  keys: readonly string[];
  /** Variables with an address. */
  bases?: readonly string[];
  /** Its public address; null: it has none, everybody runs their own. */
  url: string | null;
}

/** The first of the variables that is not empty. */
export function fromEnvironment(names: readonly string[]): string | null {
  for (const name of names) {
    const value = process.env[name]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

/** The key of a request: the config's, else the environment's. */
export function apiKey({ request }: ProviderCall, { keys }: Pick<ServiceAddress, 'keys'>): string | null {
  return request.config.api_key ?? fromEnvironment(keys);
}

/**
 * The address of a request, without slashes at its end: the config's, the environment's, else the public one.
 * @throws LlmError `LLMBadRequestError` if there is none
 */
export function baseUrl({ request, provider }: ProviderCall, { bases = [], url }: ServiceAddress): string {
  const address = request.config.base_url ?? fromEnvironment(bases) ?? url;
  if (address !== null) return withoutTrailingSlashes(address);
  const variable = bases[0] === undefined ? '' : ` or ${bases[0]} in the environment`;
  throw new LlmError(
    'LLMBadRequestError',
    `litellm.BadRequestError: ${provider}: no address. Set base_url${variable} to where the model is served.`,
    400,
  );
}

/** The values of variables that hold keys: what an error of a provider quotes of them has to be masked. */
export function environmentKeys(): string[] {
  return Object.entries(process.env).flatMap(([name, value]) =>
    /(_API_KEY|_TOKEN|_API_TOKEN)$/.test(name) && value !== undefined ? [value.trim()] : [],
  );
}
