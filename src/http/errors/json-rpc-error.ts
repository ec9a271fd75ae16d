import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';

/** Clients of these paths expect errors of JSON-RPC 2.0. */
const PATHS: ReadonlySet<string> = new Set(['/mcp', '/a2a']);

/** Codes of JSON-RPC errors (https://www.jsonrpc.org/specification#error_object). */
export const RPC_CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** For errors of the server that the specification does not define. */
  serverError: -32000,
} as const;

/** Whether clients of a path expect errors of JSON-RPC. */
export function usesJsonRpcErrors(path: string): boolean {
  return PATHS.has(path);
}

/** Problems of a body that is no JSON at all. */
const UNPARSABLE: ReadonlySet<unknown> = new Set(['json_invalid', 'string_unicode']);

/**
 * A request that failed as a whole, before it was known which call it is. A body that is no JSON has 400
 * here, as the protocols want it.
 */
export function jsonRpcFailure(status: number, body: unknown): { status: number; body: object } {
  const data = isJsonObject(body) ? body : { detail: body };
  const isUnparsable = status === 422 && UNPARSABLE.has(firstTypeOf(data));
  const code = isUnparsable ? RPC_CODES.parseError : codeOf(status);
  return {
    status: isUnparsable ? 400 : status,
    body: { jsonrpc: '2.0', id: null, error: { code, message: detailText(data), data } },
  };
}

/** The `detail` of an error answer as a text; of a list of problems a line for each. */
export function detailText(body: unknown): string {
  const { detail } = asJsonObject(body);
  if (typeof detail === 'string') return detail;
  const { message } = asJsonObject(detail);
  if (typeof message === 'string') return message;
  if (!Array.isArray(detail)) return JSON.stringify(detail ?? body);
  return detail.map(problemText).join('\n');
}

function problemText(problem: unknown): string {
  const { loc, msg, ctx } = asJsonObject(problem);
  const { error } = asJsonObject(ctx);
  const what = typeof error === 'string' && UNPARSABLE.has(asJsonObject(problem)['type']) ? `: ${error}` : '';
  return `${Array.isArray(loc) ? loc.join('.') : ''}: ${String(msg)}${what}`;
}

function firstTypeOf({ detail }: JsonObject): unknown {
  return Array.isArray(detail) ? asJsonObject(detail[0])['type'] : undefined;
}

function codeOf(status: number): number {
  if (status >= 500) return RPC_CODES.internalError;
  return INVALID.has(status) ? RPC_CODES.invalidRequest : RPC_CODES.serverError;
}

/** Statuses of requests that can never succeed as they are. */
const INVALID: ReadonlySet<number> = new Set([400, 413, 415, 422]);
