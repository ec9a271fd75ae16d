import { isNativeError } from 'node:util/types';
import { isJsonObject, tryParseJson } from '../../json/index.js';
import { AttemptTimeoutError } from '../retry/attempt-clock.js';
import type { LlmConfig } from '../request/llm-config.js';
import { LlmError } from './llm-error.js';
import { failedAttempt, type FailedAttempt, type ProviderFailure } from './llm-failure.js';
import { EmptyAnswerError, FilteredAnswerError } from '../protocols/sdk/language-model.js';
import { errorStatus } from '../protocols/refusal.js';
import { environmentKeys } from '../providers/credentials/environment.js';
import { ScriptedFailureError } from '../providers/scripted.js';
import { retryAfterSeconds } from './retry-after.js';

/**
 * Translates what an attempt threw into an error for clients, without the secrets of the config.
 * @param family LiteLLM's name of the provider's errors: `OpenAIException`
 */
export function classifyFailure(thrown: unknown, family: string, config: LlmConfig): FailedAttempt {
  const known = findLlmError(thrown);
  if (known) {
    const message = withoutSecrets(known.message, config);
    // Drops the cause, which still contains the secret.
    return { error: new LlmError(known.code, message, known.status), retryable: false };
  }
  const failure = readFailure(thrown);
  const spent = isQuotaSpent(failure, textField(thrown, 'responseBody'));
  return failedAttempt({ ...failure, spent, message: withoutSecrets(failure.message, config) }, family);
}

/** Finds an `LlmError`, which the SDK may have wrapped. */
function findLlmError(thrown: unknown): LlmError | undefined {
  if (thrown instanceof LlmError) return thrown;
  return isNativeError(thrown) ? causeChain(thrown).find((cause) => cause instanceof LlmError) : undefined;
}

const SPENT_QUOTA =
  /insufficient_quota|exceeded your current quota|credit balance is too low|billing_hard_limit/i;
/** Google's quota ids and AWS's wording. */
const DAILY_LIMIT = /PerDay|too many \w+ per day/i;
/** Google uses the same text for limits per minute, together with a retry delay. */
const TEMPORARY_LIMIT = /PerMinute|"retryDelay"/i;

/**
 * Whether a 429 reports a used-up quota (money or a daily limit), so that waiting does not help.
 * https://ai.google.dev/gemini-api/docs/rate-limits
 * @param body the whole body: Google names the quota in its details
 */
function isQuotaSpent(said: { message: string; code?: string }, body = ''): boolean {
  const all = `${said.code ?? ''} ${said.message} ${body}`;
  return DAILY_LIMIT.test(all) || (SPENT_QUOTA.test(all) && !TEMPORARY_LIMIT.test(all));
}

function readFailure(thrown: unknown): ProviderFailure {
  if (thrown instanceof ScriptedFailureError) return { kind: 'status', ...thrown.failure };
  if (thrown instanceof AttemptTimeoutError) return { kind: 'timeout', message: thrown.message };
  if (thrown instanceof EmptyAnswerError) return { kind: 'no-response', message: thrown.message };
  if (thrown instanceof FilteredAnswerError)
    return { kind: 'status', status: 400, message: thrown.message, code: 'content_filter' };
  if (!isNativeError(thrown)) return streamedError(thrown);
  // Each provider package has its own copy of the SDK's error classes, so `instanceof` does not work.
  if (thrown.name === 'AI_InvalidResponseDataError' || thrown.name === 'AI_NoContentGeneratedError') {
    return { kind: 'no-response', message: thrown.message };
  }
  // The SDK validates its arguments before it sends a request.
  if (thrown.name === 'AI_InvalidArgumentError' || thrown.name === 'AI_InvalidPromptError')
    return { kind: 'status', status: 400, message: thrown.message };
  const status = numberField(thrown, 'statusCode');
  const body = textField(thrown, 'responseBody');
  if (status !== undefined && status >= 400) {
    const retryAfter = retryAfterSeconds(thrown, body);
    return { kind: 'status', status, ...bodyError(body, thrown.message), retryAfter };
  }
  if (body !== undefined || thrown.name === 'AI_JSONParseError' || thrown.name === 'AI_TypeValidationError')
    return { kind: 'unreadable', message: unreadableMessage(body ?? textField(thrown, 'text')) };
  if (isInvalidHeader(thrown)) return { kind: 'status', status: 400, message: INVALID_HEADER };
  if (isTimeout(thrown)) return { kind: 'timeout', message: 'Request timed out.' };
  return { kind: 'connection', message: `Connection error. (${rootMessage(thrown)})` };
}

/** The message for a response that is not an answer. */
function unreadableMessage(body: string | undefined): string {
  const parsed = body === undefined ? undefined : tryParseJson(body);
  if (body !== undefined && isJsonObject(parsed) && parsed['error'] !== undefined)
    return bodyError(body, '').message;
  const received = body === undefined ? '' : ` Received: '${body.slice(0, 300)}'.`;
  return (
    `Empty or invalid response from LLM endpoint.${received} ` +
    'Check the reverse proxy or model server configuration.'
  );
}

/**
 * Reads an error inside a stream, as the provider wrote it. Overload and rate limits are recognised by code
 * or type.
 */
function streamedError(value: unknown): ProviderFailure {
  const response = isJsonObject(value) ? value['response'] : undefined;
  const said = isJsonObject(response) ? response : value;
  const text = typeof said === 'string' ? said : JSON.stringify(said);
  const { message, code } = bodyError(text, text);
  const inner = isJsonObject(said) ? (said['error'] ?? said) : undefined;
  const status = errorStatus(isJsonObject(inner) ? inner['code'] : undefined);
  const kind = `${code ?? ''} ${textField(value, 'type') ?? ''}`;
  if (status === 500 && kind.includes('rate_limit')) return { kind: 'status', status: 429, message, code };
  if (status === 500 && /invalid_request|context_length|content_filter/.test(kind))
    return { kind: 'status', status: 400, message, code };
  return { kind: 'status', status, message, code };
}

/**
 * Reads `{"error": {"message", "code"}}`, the form of most providers. Other bodies are shown as they are,
 * truncated.
 */
function bodyError(body: string | undefined, otherwise: string): { message: string; code?: string } {
  if (body === undefined || body.trim() === '') return { message: otherwise };
  const parsed = tryParseJson(body);
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  const error = isJsonObject(first) ? (first['error'] ?? first) : undefined;
  if (typeof error === 'string') return { message: error };
  const message = textField(error, 'message') ?? textField(error, 'detail');
  const code = textField(error, 'code') ?? textField(error, 'type');
  return { message: message ?? body.slice(0, 1000), code };
}

/** Does not quote the header, which may be a key. */
const INVALID_HEADER =
  'The request cannot be sent: a header is not valid. Check api_key and extra_headers for line breaks, blanks and ' +
  'letters outside ASCII.';

/** An invalid header value, such as a key. A retry would send the same. */
function isInvalidHeader(error: Error): boolean {
  return causeChain(error).some(({ message }) => /invalid [\w-]* ?header|ByteString/i.test(message));
}

/** undici's timeouts (https://undici.nodejs.org/#/docs/api/Errors) and aborts by timeout. */
function isTimeout(error: Error): boolean {
  return causeChain(error).some(
    (cause) =>
      cause.name === 'TimeoutError' ||
      /^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test(textField(cause, 'code') ?? ''),
  );
}

/** The innermost message: `connect ECONNREFUSED 127.0.0.1:1` says more than `fetch failed`. */
function rootMessage(error: Error): string {
  const named = causeChain(error)
    .reverse()
    .find(({ message }) => message !== '');
  return named?.message ?? error.name;
}

function causeChain(error: Error): Error[] {
  const chain: Error[] = [];
  for (let cause: unknown = error; isNativeError(cause) && chain.length < 8; cause = cause.cause)
    chain.push(cause);
  return chain;
}

/**
 * Masks secrets: providers quote what they were sent, and clients quote the address with its password. Short
 * values are not masked, because they occur in ordinary words.
 */
function withoutSecrets(message: string, config: LlmConfig): string {
  const secrets = [
    config.api_key,
    config.aws_access_key_id,
    config.aws_secret_access_key,
    config.aws_session_token,
    ...Object.values(config.extra_headers ?? {}).flatMap(secretsOfHeader),
    ...environmentKeys(),
  ];
  return secrets
    .reduce<string>((text, secret) => (isMaskable(secret) ? text.replaceAll(secret, MASK) : text), message)
    .replaceAll(/(?<=\w:\/\/)[^\s/@]+(?=@)/g, MASK);
}

/**
 * The value of a header, the credentials after its scheme (`Bearer`), and the password of `Basic` (RFC 7617).
 */
function secretsOfHeader(value: string): string[] {
  const [, scheme = '', credentials] = /^(\w+) +(\S+)$/.exec(value) ?? [];
  if (credentials === undefined) return [value];
  if (scheme.toLowerCase() !== 'basic') return [value, credentials];
  const pair = Buffer.from(credentials, 'base64').toString();
  return [value, credentials, pair.slice(pair.indexOf(':') + 1)];
}

const MASK = '**********';

function isMaskable(secret: string | null): secret is string {
  return secret !== null && secret.length >= 6;
}

function textField(value: unknown, field: string): string | undefined {
  const found = isJsonObject(value) ? value[field] : undefined;
  return typeof found === 'string' ? found : undefined;
}

function numberField(value: unknown, field: string): number | undefined {
  const found = isJsonObject(value) ? value[field] : undefined;
  return typeof found === 'number' ? found : undefined;
}
