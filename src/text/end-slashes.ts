/** An address or a path without the slashes at its end. */
export function withoutEndSlashes(text: string): string {
  return withoutEnd(text, '/');
}

/**
 * A text without any of the given characters at its end. The time is linear in the length, which `/[.-]+$/`
 * is not: each run of these characters anywhere in the text is tried from each of its places.
 */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1] ?? '')) end -= 1;
  return text.slice(0, end);
}
