/** One mistake in the configuration. */
export interface ConfigProblem {
  /** The option, such as `webhooks[0].num_retries`; empty for the whole file. */
  path: string;
  /** What a valid value is. */
  expected: string;
  /** What was found; never the value of a secret. */
  found: string;
  /** The file or environment variable. */
  source: string;
}

/** The configuration is invalid. Has all mistakes, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(
    readonly problems: readonly ConfigProblem[],
    /** Unknown names, which may be the reason. */
    readonly warnings: readonly string[] = [],
  ) {
    super(problems.map(describeProblem).join('\n'));
  }
}

/** A mistake as one line. */
export function describeProblem({ path, expected, found, source }: ConfigProblem): string {
  return `${path === '' ? '' : `${path}: `}expected ${expected}, got ${found} (${source})`;
}

/** Describes a value in a few words; a secret by its type only. */
export function describeValue(value: unknown, secret: boolean): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (value === '') return 'an empty string';
  if (secret) return typeof value === 'string' ? 'a string' : `a ${typeof value}`;
  const text = withoutPassword(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A URL without parts that may be secret: user name, password and query. */
export function withoutCredentials(url: string): string {
  const [address = '', ...rest] = withoutPassword(url).split(/[?#]/, 2);
  return rest.length === 0 ? address : `${address}?***`;
}

/** A text with user names and passwords of URLs removed. */
export function withoutPassword(text: string): string {
  return text.replace(/(\w:\/\/)[^/?#@\s]*@/g, '$1***@');
}
