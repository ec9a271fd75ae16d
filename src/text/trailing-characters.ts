/** Removes trailing slashes from a URL or a path. */
export function withoutTrailingSlashes(text: string): string {
  return withoutTrailing(text, '/');
}

/**
 * Removes trailing characters of a set. Takes linear time, unlike `/[.-]+$/`, which retries from each
 * character of each run of them.
 */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1] ?? '')) end -= 1;
  return text.slice(0, end);
}
