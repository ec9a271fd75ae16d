import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';
import {
  HttpException,
  HttpStatus,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { yieldForChunk, turnForRequest } from '../../flow/index.js';
import { explainJsonError, JsonBoundsError, JsonSize } from '../../json/index.js';
import { Utf8Text } from '../../text/index.js';
import { prefixPath, MISSING, RequestValidationError } from '../validation/problem.js';

/**
 * A body that is not JSON. Handlers that read it themselves (uploads) do; those that want JSON answer 415.
 */
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
  if (body === undefined) throw new RequestValidationError(prefixPath(['body'], [MISSING]), { body: null });
  return body;
}

/** What reading a body is bound to. */
export interface BodyBounds {
  /** Bytes; more is answered with 413. */
  limit: number;
  /** Milliseconds without a byte after which the client is answered 408. */
  idleMs: number;
  /**
   * Told of each piece before it is kept.
   * @throws what the request is answered with
   */
  keep: (bytes: number) => void;
}

/**
 * The JSON body of a request; undefined where there is none, an `UnreadBody` for other content types, which
 * are left unread. Its values are counted while it comes: what has too many of them is refused before it is
 * parsed.
 * @throws HttpException, RequestValidationError, what `keep` throws
 */
export async function readJsonBody(request: Request, bounds: BodyBounds): Promise<unknown> {
  if (!hasBody(request.headers)) return undefined;
  const contentType = request.headers['content-type'] ?? 'application/json';
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (!isJson(contentType) || encoding !== 'identity')
    return new UnreadBody(isJson(contentType) ? `${contentType}; ${encoding}` : contentType);
  const text = await readText(request, bounds);
  await turnForRequest();
  return bodyOf(text);
}

/** Whether a request says that a body comes with it. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isJson(contentType: string): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || /^application\/[^/]+\+json$/.test(type);
}

function readText(request: Request, { limit, idleMs, keep }: BodyBounds): Promise<Utf8Text> {
  const tooLarge = () =>
    new PayloadTooLargeException(
      `Request body too large: the limit is ${limit} bytes. Send large files to the file routes.`,
    );
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const text = new Utf8Text();
    const size = new JsonSize();
    const idle = setTimeout(() => fail(new HttpException(STALLED, HttpStatus.REQUEST_TIMEOUT)), idleMs);
    const take = (chunk: Buffer): void => {
      idle.refresh();
      try {
        if (text.size + chunk.length > limit) throw tooLarge();
        keep(chunk.length);
        size.push(chunk);
        text.push(chunk);
      } catch (error) {
        fail(error instanceof JsonBoundsError ? invalidJson(0, error.message) : error);
      }
    };
    const end = (): void => {
      stop();
      resolve(text);
    };
    const cutOff = (): void => fail(new HttpException(CUT_OFF, HttpStatus.BAD_REQUEST));
    const stop = (): void => {
      clearTimeout(idle);
      request.off('data', take).off('end', end).off('close', cutOff);
    };
    // Nothing is kept of what still comes; the answer drops it.
    const fail = (error: unknown): void => {
      stop();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    // Stays for what happens afterwards; `close` follows it.
    request.on('error', () => undefined);
    request.on('data', take).on('end', end).on('close', cutOff);
  });
}

const CUT_OFF = 'The request body was cut off';
const STALLED = 'The request body did not arrive in time';

/** @throws HttpException 400 for bytes that are not UTF-8; RequestValidationError */
async function bodyOf(body: Utf8Text): Promise<unknown> {
  if (body.size === 0) return undefined;
  const parts = body.end();
  if (parts === undefined)
    throw new HttpException('There was an error parsing the body', HttpStatus.BAD_REQUEST);
  if (body.size > WORTH_A_TURN) await yieldForChunk();
  const value = parsed(parts.join(''));
  if (body.size > WORTH_A_TURN) await yieldForChunk();
  checkStrings(value);
  // What is made of it takes about as long as all of this.
  if (body.size > WORTH_A_TURN) await yieldForChunk();
  return value;
}

/** @throws RequestValidationError for anything that is no JSON */
function parsed(text: string): unknown {
  // Some programs put a byte order mark in front.
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  try {
    return JSON.parse(json);
  } catch {
    const { position, message } = explainJsonError(json);
    throw invalidJson(position, message);
  }
}

function invalidJson(position: number, error: string): RequestValidationError {
  return new RequestValidationError(
    [{ type: 'json_invalid', msg: 'JSON decode error', ctx: { error }, at: ['body', position] }],
    { body: {} },
  );
}

/**
 * Of more than this parsing and validation have turns of their own, one in a turn for all requests (bytes).
 */
const WORTH_A_TURN = 32 * 1024;

/**
 * Refuses text that UTF-8 cannot hold, which an escape can bring.
 * @throws RequestValidationError
 */
function checkStrings(value: unknown, path: readonly (string | number)[] = []): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw loneSurrogate(path);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkStrings(item, [...path, index]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      if (!name.isWellFormed()) throw loneSurrogate(path);
      checkStrings(item, [...path, name]);
    }
  }
}

function loneSurrogate(path: readonly (string | number)[]): RequestValidationError {
  const msg = 'Input should be a valid string, unable to parse raw data as a unicode string';
  return new RequestValidationError([{ type: 'string_unicode', msg, at: ['body', ...path] }], { body: null });
}
