/** A place in a request: `body`, `query` or `path` first, then keys and indexes. */
export type Location = (string | number)[];

/** A validation problem. Types and texts are those of pydantic 2, which clients of the original know. */
export interface Problem {
  /** Machine-readable: `missing`, `int_parsing`, `value_error` and so on. */
  type: string;
  msg: string;
  ctx?: Record<string, unknown>;
  /** Path below the validated value. */
  path?: Location;
}

/** Most problems that are reported: a list may have thousands of invalid items. */
export const MAX_PROBLEMS = 100;

/** The problems of several values, with their keys in the paths; at most `MAX_PROBLEMS`. */
export function problemsOfEach<K extends string | number>(
  entries: Iterable<[K, unknown]>,
  problemsOf: (value: unknown) => readonly Problem[],
): Problem[] {
  const found: Problem[] = [];
  for (const [key, value] of entries) {
    found.push(...prefixPath([key], problemsOf(value)));
    if (found.length >= MAX_PROBLEMS) break;
  }
  return found.slice(0, MAX_PROBLEMS);
}

/** A required field is missing. */
export const MISSING: Problem = { type: 'missing', msg: 'Field required' };

/** A problem found by a custom check. */
export function valueError(text: string, path?: Location): Problem {
  return { type: 'value_error', msg: `Value error, ${text}`, ctx: { error: text }, path };
}

/** Prefixes the path of problems. */
export function prefixPath(location: Location, problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, path: [...location, ...(problem.path ?? [])] }));
}

/** A request is invalid. Answered with 422 and the problems. */
export class RequestValidationError extends Error {
  override readonly name = 'RequestValidationError';
  constructor(
    /** Their paths start with `body`, `query` or `path`. */
    readonly problems: readonly Problem[],
    /** The input by the first segment of the paths. */
    readonly sources: Readonly<Record<string, unknown>>,
  ) {
    super(
      `invalid request: ${problems
        .slice(0, MAX_PROBLEMS)
        .map((problem) => `${problem.path?.join('.')}: ${problem.msg}`)
        .join('; ')}`,
    );
  }
}
