import type { JsonSchema } from '../http/index.js';

const text = { type: 'string' };

/** Schemas of error bodies. */
export const ERROR_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ErrorDetail: { type: 'object', properties: { detail: text }, required: ['detail'] },
  ValidationError: {
    type: 'object',
    properties: {
      loc: { type: 'array', items: { anyOf: [text, { type: 'integer' }] } },
      msg: text,
      type: text,
      input: { description: 'The input, truncated and without secrets.' },
      ctx: { type: 'object' },
    },
    required: ['loc', 'msg', 'type'],
  },
  HTTPValidationError: {
    type: 'object',
    properties: {
      detail: {
        description: 'The problems with their locations; a string for a problem of the request as a whole.',
        anyOf: [{ type: 'array', items: { $ref: '#/components/schemas/ValidationError' } }, text],
      },
    },
    required: ['detail'],
  },
  InternalServerError: {
    type: 'object',
    properties: {
      detail: { type: 'string', description: '`Internal Server Error` for 500, else what is unavailable.' },
      exception: text,
      error_id: { type: 'string', description: 'Identifies the error in the log of the server.' },
    },
    required: ['detail', 'exception'],
  },
  UnavailableError: {
    type: 'object',
    properties: {
      detail: { type: 'string', description: 'What is unavailable.' },
      exception: text,
      error_id: { type: 'string', description: 'Identifies the error in the log of the server.' },
    },
    required: ['detail'],
  },
};

interface ErrorAnswer {
  description: string;
  schema: string;
}

/** Descriptions and schemas of error answers, by status. */
export const ERROR_ANSWERS: Readonly<Record<number, ErrorAnswer>> = {
  400: {
    description: 'The request cannot be parsed (a body that is not UTF-8) or cannot be served.',
    schema: 'ErrorDetail',
  },
  401: { description: 'The session key is missing or wrong.', schema: 'ErrorDetail' },
  404: { description: 'Not found.', schema: 'ErrorDetail' },
  408: { description: 'The body did not arrive in time.', schema: 'ErrorDetail' },
  409: {
    description: 'A conflict with the state of the conversation or with its owner.',
    schema: 'ErrorDetail',
  },
  413: { description: 'The body is too large.', schema: 'ErrorDetail' },
  415: { description: 'The body is not JSON.', schema: 'ErrorDetail' },
  422: { description: 'The request is invalid.', schema: 'HTTPValidationError' },
  429: {
    description:
      'Too many wrong session keys, or a limit such as that of concurrent runs is reached. Retry after `Retry-After` seconds.',
    schema: 'ErrorDetail',
  },
  500: { description: 'An unexpected error.', schema: 'InternalServerError' },
  502: { description: 'An upstream service failed.', schema: 'UnavailableError' },
  503: {
    description:
      'The server is busy or shutting down, or a resource is unavailable. Retry after `Retry-After` seconds.',
    schema: 'UnavailableError',
  },
  504: { description: 'An upstream service timed out.', schema: 'UnavailableError' },
  507: { description: 'The disk is full.', schema: 'UnavailableError' },
};
