import type { IncomingHttpHeaders } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import {
  HttpException,
  HttpStatus,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { afterLarge, inSlices, turnForRequest } from '../flow/index.js';
import { keysOf, parseInParts, Utf8Text } from '../text/index.js';
import { explainJsonError } from './json-error.js';
import { below, MISSING, RequestValidationError } from './problem.js';

/** A body that is not JSON. Handlers that read it themselves (uploads) do; those that want JSON answer 415. */
export class UnreadBody {
  constructor(private readonly contentType: string) {}

  get explanation(): string {
    return `Unsupported content type '${this.contentType}': send the body as application/json`;
  }
}

/**
 * The body of a request whose handler has no class for it.
 * @throws UnsupportedMediaTypeException, RequestValidationError where there is none
 */
export function jsonBodyOf(body: unknown): unknown {
  if (body instanceof UnreadBody) throw new UnsupportedMediaTypeException(body.explanation);
  if (body === undefined) throw new RequestValidationError(below(['body'], [MISSING]), { body: null });
  return body;
}

/** Deeper JSON is refused: what works on values recursively must not run out of stack. */
const MAX_DEPTH = 128;

/**
 * Reads JSON bodies into `request.body`; a request without a body has none. Other content types are left unread.
 * @param limit bytes; more is answered with 413
 */
export function jsonBody(limit: number) {
  return (request: Request, _response: Response, next: NextFunction): void => {
    if (!hasBody(request.headers)) return next();
    const contentType = request.headers['content-type'] ?? 'application/json';
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (!isJson(contentType) || encoding !== 'identity') {
      request.body = new UnreadBody(isJson(contentType) ? `${contentType}; ${encoding}` : contentType);
      return next();
    }
    readText(request, limit)
      .then(async (text) => {
        await turnForRequest();
        request.body = await bodyOf(text);
        next();
      })
      .catch((error: unknown) => next(error));
  };
}

/** Whether a request says that a body comes with it. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isJson(contentType: string): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || /^application\/[^/]+\+json$/.test(type);
}

function readText(request: Request, limit: number): Promise<Utf8Text> {
  const tooLarge = () => new PayloadTooLargeException(`Request body too large: the limit is ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    /** Not there any more once it is too large: what follows may take its time to come. */
    let text: Utf8Text | undefined = new Utf8Text();
    request.on('data', (chunk: Buffer) => {
      if (!text) return;
      text.push(chunk);
      if (text.size <= limit) return;
      text = undefined;
      reject(tooLarge());
    });
    request.on('end', () => text && resolve(text));
    request.on('error', () =>
      reject(new HttpException('The request body was cut off', HttpStatus.BAD_REQUEST)),
    );
  });
}

/** @throws HttpException 400 for bytes that are not UTF-8; RequestValidationError */
async function bodyOf(body: Utf8Text): Promise<unknown> {
  if (body.size === 0) return undefined;
  const parts = body.end();
  if (parts === undefined)
    throw new HttpException('There was an error parsing the body', HttpStatus.BAD_REQUEST);
  await afterLarge(body.size);
  const value = await parsed(withoutBom(parts));
  await afterLarge(body.size);
  await inSlices(checkStrings(value));
  return value;
}

/** Drops the mark of UTF-8 that some programs put in front. */
function withoutBom(parts: readonly string[]): readonly string[] {
  const [first] = parts;
  return first?.startsWith('\ufeff') ? [first.slice(1), ...parts.slice(1)] : parts;
}

/** @throws RequestValidationError for anything that is no JSON */
async function parsed(parts: readonly string[]): Promise<unknown> {
  try {
    return await inSlices(parseInParts(parts));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { position, explanation } = explainJsonError(parts.join(''));
    throw invalidJson(position, explanation);
  }
}

function invalidJson(position: number, error: string): RequestValidationError {
  return new RequestValidationError(
    [{ type: 'json_invalid', msg: 'JSON decode error', ctx: { error }, at: ['body', position] }],
    { body: {} },
  );
}

/** So many values are looked at in a part. */
const AT_ONCE = 10_000;

/**
 * Refuses what nobody could work with: nesting beyond the limit, and text that UTF-8 cannot hold, which an escape can bring.
 * A part for each `yield`: there may be millions of values.
 * @throws RequestValidationError
 */
function* checkStrings(root: unknown): Generator<void, void> {
  let seen = 0;
  const open: { value: Record<string | number, unknown>; path: (string | number)[] }[] = [];
  const look = (value: unknown, path: () => (string | number)[]): void => {
    if (typeof value === 'string' && !value.isWellFormed()) throw loneSurrogate(path());
    if (typeof value === 'object' && value !== null)
      open.push({ value: value as Record<string | number, unknown>, path: path() });
  };
  look(root, () => []);
  for (let entry = open.pop(); entry; entry = open.pop()) {
    const { value, path } = entry;
    if (path.length >= MAX_DEPTH) throw invalidJson(0, `Nested more than ${MAX_DEPTH} levels deep`);
    for (const key of keysOf(value)) {
      if (typeof key === 'string' && !key.isWellFormed()) throw loneSurrogate(path);
      look(value[key], () => [...path, key]);
      seen += 1;
      if (seen % AT_ONCE === 0) yield;
    }
  }
}

function loneSurrogate(path: (string | number)[]): RequestValidationError {
  const msg = 'Input should be a valid string, unable to parse raw data as a unicode string';
  return new RequestValidationError([{ type: 'string_unicode', msg, at: ['body', ...path] }], { body: null });
}
