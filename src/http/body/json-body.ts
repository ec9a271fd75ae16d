import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';
import { HttpException, HttpStatus, UnsupportedMediaTypeException } from '@nestjs/common';
import { turnForRequest, yieldForChunk } from '../../flow/index.js';
import { explainJsonError, JsonBoundsError, JsonSize } from '../../json/index.js';
import { Utf8Text } from '../../text/index.js';
import { type Location, prefixPath, MISSING, RequestValidationError } from '../validation/problem.js';
import { type BodyBounds, readChunks } from './read-chunks.js';

/** A body that is not JSON and was not read. Upload handlers read it themselves; others answer 415. */
export class UnreadBody {
  constructor(private readonly contentType: string) {}

  get explanation(): string {
    return `Unsupported content type '${this.contentType}': send the body as application/json`;
  }
}

/**
 * The JSON body of a request whose handler has no DTO class for it.
 * @throws UnsupportedMediaTypeException; RequestValidationError when there is no body
 */
export function jsonBodyOf(body: unknown): unknown {
  if (body instanceof UnreadBody) throw new UnsupportedMediaTypeException(body.explanation);
  if (body === undefined) throw new RequestValidationError(prefixPath(['body'], [MISSING]), { body: null });
  return body;
}

/**
 * Reads the JSON body of a request: undefined when there is none, an `UnreadBody` for other content types. A
 * body with too many values is refused before it is parsed.
 * @throws HttpException, RequestValidationError, errors of `reserve`
 */
export async function readJsonBody(request: Request, bounds: BodyBounds): Promise<unknown> {
  if (!hasBody(request.headers)) return undefined;
  const contentType = request.headers['content-type'] ?? 'application/json';
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (!isJson(contentType) || encoding !== 'identity')
    return new UnreadBody(isJson(contentType) ? `${contentType}; ${encoding}` : contentType);
  const text = await readText(request, bounds);
  await turnForRequest();
  return parseBody(text);
}

/** Whether the headers of a request announce a body. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isJson(contentType: string): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || /^application\/[^/]+\+json$/.test(type);
}

async function readText(request: Request, bounds: BodyBounds): Promise<Utf8Text> {
  const text = new Utf8Text();
  const size = new JsonSize();
  await readChunks(request, bounds, (chunk) => {
    try {
      size.push(chunk);
    } catch (error) {
      throw error instanceof JsonBoundsError ? invalidJson(0, error.message) : error;
    }
    text.push(chunk);
  });
  return text;
}

/** @throws HttpException 400 for bytes that are not UTF-8; RequestValidationError */
async function parseBody(body: Utf8Text): Promise<unknown> {
  if (body.size === 0) return undefined;
  const parts = body.end();
  if (parts === undefined)
    throw new HttpException('There was an error parsing the body', HttpStatus.BAD_REQUEST);
  const isLong = body.size > LONG;
  if (isLong) await yieldForChunk();
  // Some programs put a byte order mark first.
  const value = parseJson(parts.join('').replace(/^\ufeff/, ''));
  if (isLong) await yieldForChunk();
  checkStrings(value, []);
  if (isLong) await yieldForChunk();
  return value;
}

/** @throws RequestValidationError */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { position, message } = explainJsonError(text);
    throw invalidJson(position, message);
  }
}

function invalidJson(position: number, error: string): RequestValidationError {
  return new RequestValidationError(
    [{ type: 'json_invalid', msg: 'JSON decode error', ctx: { error }, path: ['body', position] }],
    { body: {} },
  );
}

/** Longer bodies are parsed and validated one at a time, in event-loop turns of their own (bytes). */
const LONG = 32 * 1024;

/**
 * Refuses strings with lone surrogates, which JSON escapes can produce and UTF-8 cannot encode. `JsonSize`
 * has bounded the depth of the recursion.
 * @throws RequestValidationError
 */
function checkStrings(value: unknown, path: Location): void {
  if (typeof value === 'string' && !value.isWellFormed()) throw loneSurrogate(path);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) value.forEach((item, index) => checkStrings(item, [...path, index]));
  else
    for (const [key, item] of Object.entries(value)) {
      if (!key.isWellFormed()) throw loneSurrogate(path);
      checkStrings(item, [...path, key]);
    }
}

function loneSurrogate(path: Location): RequestValidationError {
  const msg = 'Input should be a valid string, unable to parse raw data as a unicode string';
  return new RequestValidationError([{ type: 'string_unicode', msg, path: ['body', ...path] }], {
    body: null,
  });
}
