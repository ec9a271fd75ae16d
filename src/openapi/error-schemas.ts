import { type JsonSchema, objectSchema, UNKNOWN_CONVERSATION, usesJsonRpcErrors } from '../http/index.js';

const text: JsonSchema = { type: 'string' };
const ERROR_ID = 'Identifies this error in the log of the server: 32 hexadecimal digits.';

/** Schemas of error bodies. */
export const ERROR_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ErrorDetail: objectSchema({ detail: [text, 'What is wrong, in one sentence.'] }),
  ValidationError: objectSchema({
    loc: [
      { type: 'array', items: { anyOf: [text, { type: 'integer' }] } },
      'Path of the invalid value: `body`, `query`, `path` or `header`, then names of fields and indexes of lists.',
    ],
    msg: [text, 'What is wrong with the value, for people.'],
    type: [text, 'Kind of the problem, for programs, such as `missing`, `string_type` or `value_error`.'],
    'input?': [{}, 'The invalid value, truncated and without secrets. Absent if it must not be repeated.'],
    'ctx?': [
      { type: 'object' },
      'Values that `msg` mentions, such as `ge` or `pattern`. Absent if there are none.',
    ],
  }),
  HTTPValidationError: objectSchema({
    detail: [
      { anyOf: [{ type: 'array', items: { $ref: '#/components/schemas/ValidationError' } }, text] },
      'The problems with their locations, at most 100; a string for a problem of the request as a whole.',
    ],
  }),
  InternalServerError: objectSchema({
    detail: [text, '`Internal Server Error` for 500, else what is unavailable.'],
    exception: [text, 'The message of the error, without secrets.'],
    'error_id?': [text, ERROR_ID],
  }),
  UnavailableError: objectSchema({
    detail: [text, 'What is unavailable, and why.'],
    'exception?': [text, 'The message of the cause, or the status and the text of `detail`.'],
    'error_id?': [text, ERROR_ID],
  }),
  JsonRpcFailure: objectSchema({
    jsonrpc: [{ type: 'string', const: '2.0' }, 'The version of JSON-RPC.'],
    id: [{ type: 'null' }, 'Null: the request was refused before it was known which call it is.'],
    error: [
      objectSchema({
        code: [{ type: 'integer' }, 'A code of JSON-RPC, such as -32600 for an invalid request.'],
        message: [text, 'What is wrong, for people.'],
        data: [{ type: 'object' }, 'The body that other routes have with this status: `detail` and so on.'],
      }),
      'Why the request was refused.',
    ],
  }),
};

/** What leads to an error of routes in general. Operations add their own causes. */
export const SHARED_CAUSES: Readonly<Record<number, string>> = {
  400: 'The request cannot be read: it is not valid HTTP, or its body was cut off or is not UTF-8.',
  401: 'The key is missing or wrong, was revoked or has expired.',
  403: 'The key does not have the scope, or the reach, that this needs.',
  404: UNKNOWN_CONVERSATION,
  408: 'The body did not arrive in time.',
  409: 'The conversation is damaged, another server has taken it over, or a credential of its agent must be bound again.',
  413: 'The body is larger than the limit of the server.',
  415: 'The body is not JSON: its `Content-Type` or `Content-Encoding` is another one.',
  422: 'The body is not valid JSON, or a parameter or a field has an invalid value.',
  429: 'The client sent too many wrong keys within a minute.',
  500: 'An unexpected error. The log of the server has the details under `error_id`.',
  503: 'The server is starting, shutting down or busy with other large requests, or cannot use its data folder.',
  507: 'The disk of the server is full. Nothing was stored.',
};

const SCHEMA_NAMES: Readonly<Record<number, string>> = {
  422: 'HTTPValidationError',
  500: 'InternalServerError',
  502: 'UnavailableError',
  503: 'UnavailableError',
  504: 'UnavailableError',
  507: 'UnavailableError',
};

/** The name of the schema of the body that an error status has on a path. */
export function errorSchema(path: string, status: number): string {
  if (usesJsonRpcErrors(path)) return 'JsonRpcFailure';
  return SCHEMA_NAMES[status] ?? 'ErrorDetail';
}
