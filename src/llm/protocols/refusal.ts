import { STATUS_CODES } from 'node:http';
import { isJsonObject } from '../../json/index.js';
import { modelFetch } from '../transport/model-fetch.js';

/**
 * Sends a request and turns error bodies into error statuses: gateways that had begun to answer report errors
 * with status 200 (https://openrouter.ai/docs/api-reference/errors), even if a stream was requested.
 */
export const fetchAnswer: typeof fetch = async (input, init) => {
  const response = await modelFetch(input, init);
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok || !type.includes('json') || type.includes('ndjson')) return response;
  const text = await response.text();
  const status = embeddedErrorStatus(text) ?? response.status;
  return new Response(text, { status, headers: response.headers });
};

/** The status of a body that is only an error; undefined for other bodies. */
export function embeddedErrorStatus(text: string): number | undefined {
  const body = parsed(text);
  const error = body?.['error'];
  if (error === undefined || error === null || error === false || error === '') return undefined;
  if (hasItems(body['choices']) || hasItems(body['output'])) return undefined;
  return errorStatus(isJsonObject(error) ? error['code'] : undefined);
}

/** The HTTP status for the numeric or textual code of an error. */
export function errorStatus(code: unknown): number {
  const number = Number(code);
  if (number >= 400 && number < 600) return number;
  const word = typeof code === 'string' ? code : '';
  if (/rate_limit|insufficient_quota/.test(word)) return 429;
  return /^(invalid|context|content|string_above)_|unsupported|not_found/.test(word) ? 400 : 500;
}

function hasItems(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An error response of a provider, in the shape of the SDK's errors, which `classifyFailure` reads. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';

  constructor(
    readonly statusCode: number,
    readonly responseBody: string,
    readonly responseHeaders: Record<string, string> = {},
  ) {
    super(STATUS_CODES[statusCode] ?? `status ${statusCode}`);
  }
}

/** The response is not an answer of a model. */
export class UnreadableAnswerError extends Error {
  override readonly name = 'UnreadableAnswerError';

  constructor(readonly responseBody: string) {
    super('The answer cannot be read.');
  }
}
