/** Clients of these paths expect OpenAI's error format. */
const PREFIX = '/v1/';
/** The same request may succeed later. */
const TRANSIENT: ReadonlySet<number> = new Set([429, 503]);

/** An error in the format of OpenAI's API. */
export interface OpenAiError {
  message: string;
  type: string;
  /** Path of the field, with dots. */
  param: string | null;
  code: string | null;
}

/** Whether clients of a path expect OpenAI's errors. */
export function usesOpenAiErrors(path: string): boolean {
  return path.startsWith(PREFIX);
}

/** Adds the error in OpenAI's format, for clients that read `error` instead of `detail`. */
export function withOpenAiError(status: number, body: unknown): object {
  const fields = typeof body === 'object' && body !== null ? body : { detail: body };
  return { error: openAiError(status, fields), ...fields };
}

/**
 * Keeps OpenAI's client libraries from repeating a request after 409 or 500, which would start a second run
 * of the agent.
 */
export function openAiErrorHeaders(status: number): Record<string, string> {
  return TRANSIENT.has(status) ? {} : { 'x-should-retry': 'false' };
}

/** An error of this status in OpenAI's format. */
export function openAiError(status: number, body: object): OpenAiError {
  const problem = firstProblem(body);
  return {
    message: problem?.message ?? messageOf(body),
    type: typeOf(status),
    param: problem?.param ?? null,
    code: codeOf(status),
  };
}

function messageOf(body: object): string {
  if ('exception' in body && typeof body.exception === 'string')
    return body.exception.replace(/^\d{3}: /, '');
  if (!('detail' in body)) return 'Error';
  const { detail } = body;
  if (typeof detail === 'string') return detail;
  const isNamed = typeof detail === 'object' && detail !== null && 'message' in detail;
  return isNamed && typeof detail.message === 'string' ? detail.message : JSON.stringify(detail);
}

/** The first of a list of problems, with its field. */
function firstProblem(body: object): { message: string; param: string | null } | undefined {
  if (!('detail' in body) || !Array.isArray(body.detail)) return undefined;
  const problems: unknown[] = body.detail;
  const [first, ...others] = problems;
  if (typeof first !== 'object' || first === null || !('msg' in first)) return undefined;
  const loc: unknown[] = 'loc' in first && Array.isArray(first.loc) ? first.loc : [];
  const param = loc.filter((part, index) => index > 0 || part !== 'body').join('.');
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return {
    message: `${param === '' ? '' : `${param}: `}${String(first.msg)}${more}`,
    param: param === '' ? null : param,
  };
}

function typeOf(status: number): string {
  if (status >= 500) return 'server_error';
  if (status === 429) return 'rate_limit_error';
  if (status === 401) return 'authentication_error';
  return 'invalid_request_error';
}

function codeOf(status: number): string | null {
  const codes: Record<number, string> = {
    401: 'invalid_api_key',
    404: 'not_found',
    409: 'conflict',
    429: 'rate_limit_exceeded',
    504: 'timeout',
  };
  return codes[status] ?? null;
}
