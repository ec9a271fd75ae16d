import { splitBasicAuth, type AddressParts, isHttpUrl } from '../../text/index.js';
import type { LlmConfig } from './llm-config.js';
import { LlmError } from '../errors/llm-error.js';

/** Fields with addresses. */
const ADDRESSES = ['base_url', 'ollama_base_url', 'aws_bedrock_runtime_endpoint'] as const;

/** Headers that delimit the body: wrong ones would break the connection. */
const FRAMING = new Set(['content-length', 'transfer-encoding']);

/** OpenAI's address without the version, which some people enter. It would lead nowhere. */
const OPENAI_ITSELF = /^https:\/\/api\.openai\.com\/?$/;

/**
 * Prepares a config for calls: validates addresses, turns credentials in an address into a header (`fetch`
 * rejects them in URLs), and lowercases header names so that headers of the config replace ours.
 * @throws LlmError `LLMBadRequestError` for an invalid address or a header that must not be set
 */
export function callConfig(config: LlmConfig): LlmConfig {
  const called = { ...config };
  let authorization: string | undefined;
  for (const field of ADDRESSES) {
    const given = config[field];
    if (given === null || given === '') {
      called[field] = null;
      continue;
    }
    const { url, authorization: basic } = readAddress(field, given);
    called[field] = OPENAI_ITSELF.test(url) ? null : url;
    authorization ??= basic;
  }
  const headers = Object.entries(config.extra_headers ?? {})
    // A header without a value was encrypted with a key that this server does not have.
    .filter(([, value]: [string, string | null]) => value !== null)
    .map(([name, value]) => [name.toLowerCase(), value] as const);
  const framing = headers.find(([name]) => FRAMING.has(name));
  if (framing) {
    throw new LlmError('LLMBadRequestError', `The header ${framing[0]} cannot be set: it follows the body.`);
  }
  called.extra_headers = {
    ...(authorization !== undefined && { authorization }),
    ...Object.fromEntries(headers),
  };
  return called;
}

function readAddress(field: string, given: string): AddressParts {
  if (!isHttpUrl(given.trim())) {
    // Does not quote the value, which may contain a password.
    throw new LlmError(
      'LLMBadRequestError',
      `The ${field} of the model is not a web address: it must begin with http:// or https://.`,
    );
  }
  return splitBasicAuth(given.trim());
}

/** A percent sign in a password may be literal. */
