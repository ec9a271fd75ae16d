/**
 * Whether a sequence fits patterns for its items. The usual match with one point to go back to: what stands
 * for any number of items takes as few as it can, and one more each time the rest does not fit. The effort is
 * at most the product of both lengths, whatever the patterns.
 * @param matches asked for a pattern of the first kind, too: what it may not take ends the attempt
 */
export function matchesSequence<P, T>(
  patterns: readonly P[],
  items: readonly T[],
  isAny: (pattern: P) => boolean,
  matches: (pattern: P, item: T) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let back: { pattern: number; item: number } | undefined;
  while (item < items.length) {
    const pattern = patterns[at];
    const current = items[item];
    if (pattern !== undefined && isAny(pattern)) {
      back = { pattern: at, item };
      at++;
    } else if (pattern !== undefined && current !== undefined && matches(pattern, current)) {
      at++;
      item++;
    } else {
      const any = back && patterns[back.pattern];
      const skipped = back && items[back.item];
      // What a wildcard may not take (a hidden folder) ends the attempt.
      if (!back || any === undefined || skipped === undefined || !matches(any, skipped)) return false;
      back.item++;
      item = back.item;
      at = back.pattern + 1;
    }
  }
  return patterns.slice(at).every(isAny);
}
