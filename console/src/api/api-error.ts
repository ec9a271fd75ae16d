/** One wrong field of a request. `path` is its place in the body or query, such as `agent.llm.model`. */
export interface FieldProblem {
  path: string;
  message: string;
}

/** A request that failed: the server refused it, or could not be reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fields: readonly FieldProblem[] = [],
    /** The whole answer, which may say more. */
    readonly body?: unknown,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** From the status and body of an answer. Bodies of errors have `detail`: a text or a list of fields. */
  static of(status: number, body: unknown): ApiError {
    const detail = isRecord(body) ? body['detail'] : undefined;
    if (typeof detail === 'string') return new ApiError(status, detail, [], body);
    if (isRecord(detail) && typeof detail['message'] === 'string') {
      return new ApiError(status, detail['message']);
    }
    if (Array.isArray(detail)) {
      const fields = detail.filter(isRecord).map(fieldProblem);
      const text = fields.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
      return new ApiError(status, text || `The server answered ${status}.`, fields);
    }
    if (isRecord(body) && typeof body['message'] === 'string') return new ApiError(status, body['message']);
    return new ApiError(status, `The server answered ${status}.`);
  }
}

function fieldProblem({ loc, msg }: Record<string, unknown>): FieldProblem {
  const parts = Array.isArray(loc) ? loc.map(String) : [];
  const isWhole = parts[0] === 'body' || parts[0] === 'query' || parts[0] === 'path';
  return {
    path: (isWhole ? parts.slice(1) : parts).join('.'),
    message: typeof msg === 'string' ? msg.replace(/^Value error, /, '') : 'is wrong',
  };
}

/** Whether a value is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What to tell a person about any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
