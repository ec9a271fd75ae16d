import type { JsonSchema } from '../http/field-type.js';

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
  409: {
    description: 'In conflict with what the conversation is doing, or with its owner.',
    schema: 'ErrorDetail',
  },
  413: { description: 'The body has too many bytes.', schema: 'ErrorDetail' },
  415: { description: 'The body is not JSON.', schema: 'ErrorDetail' },
  422: { description: 'The request is not valid.', schema: 'HTTPValidationError' },
  429: {
    description:
      'As many runs as the server allows are going on, or the client has shown too many wrong keys; `Retry-After` says when ' +
      'to try again.',
    schema: 'ErrorDetail',
  },
  503: {
    description: 'The server stops, or is busy with other requests; `Retry-After` says when to try again.',
    schema: 'InternalServerError',
  },
  500: { description: 'Something that nobody foresaw.', schema: 'InternalServerError' },
};
