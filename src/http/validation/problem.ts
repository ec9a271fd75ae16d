/** Where something stands in a request: `body`, `query` or `path` first, then keys and indexes. */
export type Location = (string | number)[];

/** One thing that is wrong with a value, in the wire's words (types and texts are those of pydantic 2). */
export interface Problem {
  /** Machine-readable: `missing`, `int_parsing`, `value_error` and so on. */
  type: string;
  msg: string;
  ctx?: Record<string, unknown>;
  /** Path below the value that was checked. */
  path?: Location;
}

/** More problems than this are not looked for: one list may hold 100,000 items, all of them wrong. */
export const MAX_PROBLEMS = 100;

/** The first problems of several values, each below its key. */
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

/** A field that is required and is not there. */
export const MISSING: Problem = { type: 'missing', msg: 'Field required' };

/** A problem found by a check of our own rather than by the type of a field. */
export function valueError(text: string, at?: Location): Problem {
  return { type: 'value_error', msg: `Value error, ${text}`, ctx: { error: text }, path: at };
}

/** Prefixes the path of problems. */
export function prefixPath(location: Location, problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, at: [...location, ...(problem.path ?? [])] }));
}

/** A request is not valid; answered as 422 with every problem found. */
export class RequestValidationError extends Error {
  override readonly name = 'RequestValidationError';
  constructor(
    /** `at` starts with `body`, `query` or `path`. */
    readonly problems: readonly Problem[],
    /** What the locations point into, by their first segment. */
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
