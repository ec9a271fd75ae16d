import { LlmError } from '../../errors/llm-error.js';
import { withoutTrailingSlashes } from '../../../text/index.js';
import type { ProviderCall } from '../provider.js';

/**
 * Where to find address and key of a service that the config does not define. Variables have LiteLLM's names;
 * the first one that is set counts.
 */
export interface ServiceAddress {
  /** Environment variables with a key. */
  keys: readonly string[];
  /** Environment variables with an address. */
  bases?: readonly string[];
  /** The public address; null for self-hosted services. */
  url: string | null;
}

/** The first environment variable that is not empty. */
export function fromEnvironment(names: readonly string[]): string | null {
  for (const name of names) {
    const value = process.env[name]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

/** The key: the config's, otherwise the environment's. */
export function apiKey({ request }: ProviderCall, { keys }: Pick<ServiceAddress, 'keys'>): string | null {
  return request.config.api_key ?? fromEnvironment(keys);
}

/**
 * The address without trailing slashes: the config's, otherwise the environment's, otherwise the public one.
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

/** The values of environment variables with keys, to be masked in error messages of providers. */
export function environmentKeys(): string[] {
  return Object.entries(process.env).flatMap(([name, value]) =>
    /(_API_KEY|_TOKEN|_API_TOKEN)$/.test(name) && value !== undefined ? [value.trim()] : [],
  );
}
