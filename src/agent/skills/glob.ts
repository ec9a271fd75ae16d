import { globMatcher } from '../../tools/search/glob-matcher.js';
import { SearchError } from '../../tools/search/ripgrep.js';

/**
 * Whether a path with `/` between its segments matches a pattern of a rule. One that stands for too much
 * matches nothing.
 */
export function matchesGlob(path: string, pattern: string): boolean {
  try {
    return globMatcher(pattern, { hidden: true, inside: true })(path);
  } catch (error) {
    if (error instanceof SearchError) return false;
    throw error;
  }
}
