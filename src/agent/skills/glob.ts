import { globMatcher } from '../../tools/search/glob-matcher.js';
import { SearchError } from '../../tools/search/ripgrep.js';

/** The longest pattern: repositories are not trusted. */
const MAX_LENGTH = 1_000;

/** Whether a path with `/` between its segments matches a pattern of a rule. One that stands for too much matches nothing. */
export function matchesGlob(path: string, pattern: string): boolean {
  if (pattern.length > MAX_LENGTH) return false;
  try {
    return globMatcher(pattern, { hidden: true, inside: true })(path);
  } catch (error) {
    if (error instanceof SearchError) return false;
    throw error;
  }
}
