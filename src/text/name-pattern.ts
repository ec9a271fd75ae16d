import { createContext, Script } from 'node:vm';

/** Time limit for all names together (ms): a pattern that backtracks endlessly must not block the server. */
const LIMIT_MS = 50;
/** The longest pattern (characters). */
const MAX_PATTERN = 1_000;
/** The longest name that is tested (characters). Names come from models and MCP servers. */
const MAX_NAME = 256;

const SCRIPT = new Script(
  '((regexp) => input.names.filter((name) => regexp.test(name)).join("\\n"))(new RegExp(input.anchored, input.flags))',
);
/** Shared by all patterns, because creating a context takes longer than the search. */
const CONTEXT: { input?: { anchored: string; flags: string; names: string[] } } = createContext({});

/**
 * The names that match a regular expression. A leading `(?i)`, as in other languages, ignores case. Names
 * of more than 256 characters never match.
 * @param whole match the whole name, not only its beginning
 * @param limitMs time limit (ms)
 * @returns undefined if the pattern is invalid, longer than 1,000 characters, or exceeds the time limit
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
    const matched = new Set(String(found).split('\n'));
    return names.filter((name) => matched.has(name));
  } catch {
    return undefined;
  } finally {
    delete CONTEXT.input;
  }
}
