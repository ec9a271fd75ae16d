/** Clients of these paths expect errors of JSON-RPC 2.0. */
const PATHS: ReadonlySet<string> = new Set(['/mcp']);

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

/**
 * A request that failed as a whole, before it was known which call it is. A body that is no JSON has 400 here,
 * as the protocols want it.
 */
export function jsonRpcFailure(status: number, body: unknown): { status: number; body: object } {
  const data = typeof body === 'object' && body !== null ? { ...body } : { detail: body };
  const isUnparsable = status === 422;
  return {
    status: isUnparsable ? 400 : status,
    body: { jsonrpc: '2.0', id: null, error: { code: codeOf(status), message: messageOf(data), data } },
  };
}

function codeOf(status: number): number {
  if (status === 422) return RPC_CODES.parseError;
  if (status >= 500) return RPC_CODES.internalError;
  return [400, 413, 415].includes(status) ? RPC_CODES.invalidRequest : RPC_CODES.serverError;
}

function messageOf(data: object): string {
  const detail: unknown = 'detail' in data ? data.detail : undefined;
  return typeof detail === 'string' ? detail : 'The body is not valid JSON';
}
