import { splitBasicAuth, type AddressParts, isHttpUrl } from '../../text/index.js';
import type { LlmConfig } from './llm-config.js';
import { LlmError } from '../errors/llm-error.js';

/** The fields that hold addresses. */
const ADDRESSES = ['base_url', 'ollama_base_url', 'aws_bedrock_runtime_endpoint'] as const;

/** What says where a body ends: another one than the right one breaks the connection. */
const FRAMING = new Set(['content-length', 'transfer-encoding']);

/** What people write who mean OpenAI itself: its address without the version would lead nowhere. */
const OPENAI_ITSELF = /^https:\/\/api\.openai\.com\/?$/;

/**
 * The config as providers are called with it: addresses are checked, a name and password in one become a
 * header, as `fetch` takes none in an address; names of headers are in lower case, so that one of the config
 * takes the place of ours.
 * @throws LlmError `LLMBadRequestError` for an address that is none, and a header that cannot be set
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
    // One without a value was stored with a key that this server does not have.
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
    // Not the value: a password may stand in it.
    throw new LlmError(
      'LLMBadRequestError',
      `The ${field} of the model is no web address: it has to begin with http:// or https://.`,
    );
  }
  return splitBasicAuth(given.trim());
}

/** A percent sign in a password may be meant as it stands. */
