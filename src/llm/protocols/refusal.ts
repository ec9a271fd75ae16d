import { STATUS_CODES } from 'node:http';
import { isJsonObject } from '../../json/index.js';
import { modelFetch } from '../transport/model-fetch.js';

/**
 * Sends a request and tells a refusal from an answer: gateways refuse with status 200 and an error in the
 * body when they had begun to answer (https://openrouter.ai/docs/api-reference/errors), also where a stream
 * was asked for.
 */
export const fetchAnswer: typeof fetch = async (input, init) => {
  const response = await modelFetch(input, init);
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok || !type.includes('json') || type.includes('ndjson')) return response;
  const text = await response.text();
  const status = embeddedErrorStatus(text) ?? response.status;
  return new Response(text, { status, headers: response.headers });
};

/** The status that a body would have had if it is an error and nothing else. */
export function embeddedErrorStatus(text: string): number | undefined {
  const body = parsed(text);
  const error = body?.['error'];
  if (error === undefined || error === null || error === false || error === '') return undefined;
  if (hasItems(body['choices']) || hasItems(body['output'])) return undefined;
  return errorStatus(isJsonObject(error) ? error['code'] : undefined);
}

/** The HTTP status of an error that names a code, as a number or as a word. */
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

/** A provider refused: in the shape of the SDK's errors, which the mapping of failures reads. */
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

/** Something came that no model says. */
export class UnreadableAnswerError extends Error {
  override readonly name = 'UnreadableAnswerError';

  constructor(readonly responseBody: string) {
    super('The answer cannot be read.');
  }
}
