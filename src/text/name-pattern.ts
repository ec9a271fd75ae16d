import { createContext, Script } from 'node:vm';

/**
 * How long all names together may be looked at (ms): a pattern that goes on for ever must not stop the
 * server.
 */
const LIMIT_MS = 50;
/** The longest pattern (characters). */
const MAX_PATTERN = 1_000;
/** The longest name that is looked at (characters): models and MCP servers make them up. */
const MAX_NAME = 256;

const SCRIPT = new Script(
  '((it) => input.names.filter((name) => it.test(name)).join("\\n"))(new RegExp(input.anchored, input.flags))',
);
/** One for all patterns: making one takes longer than the search. */
const CONTEXT: { input?: { anchored: string; flags: string; names: string[] } } = createContext({});

/**
 * Which names a pattern fits. A leading `(?i)`, as other languages write it, ignores case. Names of more than
 * 256 characters fit none.
 * @param whole the whole name has to fit, not only its beginning
 * @param limitMs how long the search may take (ms)
 * @returns undefined when it is no regular expression, or longer than 1,000 characters, or does not come to
 *   an end
 */
export function matchingNames(
  pattern: string,
  names: readonly string[],
  whole: boolean,
  limitMs = LIMIT_MS,
): string[] | undefined {
  if (pattern.length > MAX_PATTERN || limitMs < 1) return undefined;
  const ignoreCase = pattern.startsWith('(?i)');
  const source = ignoreCase ? pattern.slice('(?i)'.length) : pattern;
  const anchored = whole ? `^(?:${source})$` : `^(?:${source})`;
  try {
    const flags = ignoreCase ? 'i' : '';
    CONTEXT.input = { anchored, flags, names: names.filter(({ length }) => length <= MAX_NAME) };
    const found: unknown = SCRIPT.runInContext(CONTEXT, { timeout: Math.ceil(limitMs) });
    const fit = new Set(String(found).split('\n'));
    return names.filter((name) => fit.has(name));
  } catch {
    return undefined;
  } finally {
    delete CONTEXT.input;
  }
}
