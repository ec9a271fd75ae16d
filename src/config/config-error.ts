/** One mistake in the configuration. */
export interface ConfigProblem {
  /** The option, as in `webhooks[0].num_retries`; empty for the file as a whole. */
  path: string;
  /** What a valid value is. */
  expected: string;
  /** What was found, in words; never the value of a secret. */
  found: string;
  /** The file or the environment variable that it came from. */
  source: string;
}

/** The configuration cannot be used. Carries every mistake, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(describeProblem).join('\n'));
  }
}

/** A mistake as one line. */
export function describeProblem({ path, expected, found, source }: ConfigProblem): string {
  return `${path === '' ? '' : `${path}: `}expected ${expected}, got ${found} (${source})`;
}

/** A value in words short enough for a line; a secret only by its type. */
export function describeValue(value: unknown, secret: boolean): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (value === '') return 'an empty text';
  if (secret) return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
  const text = withoutPassword(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A URL without what may be a key: the name and the password in it, and what follows its path. */
export function withoutCredentials(url: string): string {
  const [address = '', ...rest] = withoutPassword(url).split(/[?#]/, 2);
  return rest.length === 0 ? address : `${address}?***`;
}

/** A text without the names and the passwords of URLs in it. */
export function withoutPassword(text: string): string {
  return text.replace(/(\w:\/\/)[^/?#@\s]*@/g, '$1***@');
}
