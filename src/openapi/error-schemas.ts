import type { JsonSchema } from '../http/index.js';

const text = { type: 'string' };

/** The bodies of errors. */
export const ERROR_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ErrorDetail: { type: 'object', properties: { detail: text }, required: ['detail'] },
  ValidationError: {
    type: 'object',
    properties: {
      loc: { type: 'array', items: { anyOf: [text, { type: 'integer' }] } },
      msg: text,
      type: text,
      input: { description: 'What was sent there: shortened, and without secrets.' },
      ctx: { type: 'object' },
    },
    required: ['loc', 'msg', 'type'],
  },
  HTTPValidationError: {
    type: 'object',
    properties: {
      detail: {
        description: 'Each problem with its place; a text when it is about the request as a whole.',
        anyOf: [{ type: 'array', items: { $ref: '#/components/schemas/ValidationError' } }, text],
      },
    },
    required: ['detail'],
  },
  InternalServerError: {
    type: 'object',
    properties: {
      detail: { type: 'string', description: '`Internal Server Error` with 500, else what is not there.' },
      exception: text,
      error_id: { type: 'string', description: 'Stands in the log of the server, too.' },
    },
    required: ['detail', 'exception'],
  },
  UnavailableError: {
    type: 'object',
    properties: {
      detail: { type: 'string', description: 'What is not there.' },
      exception: text,
      error_id: { type: 'string', description: 'Stands in the log of the server, too.' },
    },
    required: ['detail'],
  },
};

interface ErrorAnswer {
  description: string;
  schema: string;
}

/** What each status of an error means, whichever route answers it. */
export const ERROR_ANSWERS: Readonly<Record<number, ErrorAnswer>> = {
  400: {
    description: 'The request cannot be read (a body that is not UTF-8), or not served as it is.',
    schema: 'ErrorDetail',
  },
  401: { description: 'The session key is missing or wrong.', schema: 'ErrorDetail' },
  404: { description: 'Not found.', schema: 'ErrorDetail' },
  408: { description: 'The body did not arrive in time.', schema: 'ErrorDetail' },
  409: {
    description: 'In conflict with what the conversation is doing, or with its owner.',
    schema: 'ErrorDetail',
  },
  413: { description: 'The body has too many bytes.', schema: 'ErrorDetail' },
  415: { description: 'The body is not JSON.', schema: 'ErrorDetail' },
  422: { description: 'The request is not valid.', schema: 'HTTPValidationError' },
  429: {
    description:
      'Too many wrong session keys, or as many runs as the server allows are going on; `Retry-After` says when to try again.',
    schema: 'ErrorDetail',
  },
  500: { description: 'Something that nobody foresaw.', schema: 'InternalServerError' },
  502: { description: 'What the server asked for this failed.', schema: 'UnavailableError' },
  503: {
    description: 'The server is busy, stops, or lacks what this needs; `Retry-After` says when to try again.',
    schema: 'UnavailableError',
  },
  504: { description: 'What the server waited for took too long.', schema: 'UnavailableError' },
  507: { description: 'The disk takes nothing more.', schema: 'UnavailableError' },
};
