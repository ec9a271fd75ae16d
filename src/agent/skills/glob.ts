import { matchesSequence } from '../../tools/search/match-sequence.js';

/** Alternatives of one pattern, and the longest pattern: repositories are not trusted. */
const MAX_ALTERNATIVES = 64;
const MAX_LENGTH = 1_000;

/**
 * Whether a path with `/` between its segments matches a pattern: `*` and `?` within a segment, `**` for any number of
 * segments, `{a,b}` for one of several, `[a-z]` for one character. No regular expressions: a pattern of a repository
 * must not be able to take long.
 */
export function matchesGlob(path: string, pattern: string): boolean {
  if (pattern.length > MAX_LENGTH) return false;
  const segments = path.split('/');
  return alternatives(pattern.replace(/^\.\//, '')).some((one) => matchSegments(segments, wanted(one)));
}

/** Behind a folder `**` stands for what is in it, not for the folder itself. */
function wanted(pattern: string): string[] {
  const segments = pattern.split('/');
  return segments[segments.length - 1] === '**' ? [...segments, '*'] : segments;
}

/** The patterns without braces that a pattern stands for. */
function alternatives(pattern: string): string[] {
  const done: string[] = [];
  let open = [pattern];
  while (open.length > 0 && done.length + open.length <= MAX_ALTERNATIVES) {
    const next: string[] = [];
    for (const one of open) {
      const braces = /\{([^{}]*,[^{}]*)\}/.exec(one);
      if (!braces) {
        done.push(one);
        continue;
      }
      const [whole, inner = ''] = braces;
      const head = one.slice(0, braces.index);
      const tail = one.slice(braces.index + whole.length);
      next.push(...inner.split(',').map((choice) => head + choice + tail));
    }
    open = next;
  }
  return open.length > 0 ? [] : done;
}

function matchSegments(segments: readonly string[], patterns: readonly string[]): boolean {
  return matchesSequence(
    patterns,
    segments,
    (pattern) => pattern === '**',
    (pattern, segment) => matchSegment(segment, pattern),
  );
}

function matchSegment(segment: string, pattern: string): boolean {
  return matchesSequence(
    tokens(pattern),
    Array.from(segment),
    (token) => token === '*',
    (token, character) => token === '*' || token === '?' || token === character || inClass(character, token),
  );
}

/** Characters, wildcards and `[...]` classes of a segment. */
function tokens(pattern: string): string[] {
  return pattern.match(/\[[!^]?\]?[^\]]*\]|\*+|[^]/gu)?.map((token) => token.replace(/^\*+$/, '*')) ?? [];
}

function inClass(character: string, token: string): boolean {
  if (token.length < 3 || !token.startsWith('[')) return false;
  const negated = /^\[[!^]/.test(token);
  const inner = Array.from(token.slice(negated ? 2 : 1, -1));
  let found = false;
  for (let at = 0; at < inner.length; at++) {
    const [from = '', dash, to] = inner.slice(at, at + 3);
    if (dash === '-' && to !== undefined) {
      found ||= character >= from && character <= to;
      at += 2;
    } else {
      found ||= character === from;
    }
  }
  return found !== negated;
}
