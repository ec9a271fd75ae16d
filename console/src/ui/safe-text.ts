/** Characters that change how other text is shown, or cannot be seen: bidi overrides, controls, tags. */
const HIDDEN =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** The text with its hidden characters made visible, such as `⟨202E⟩`. Tabs and line feeds stay. */
export function visible(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(
      HIDDEN,
      (character) => `⟨${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
    );
}

/** The beginning of a text in one line, for lists. */
export function oneLine(text: string, length: number): string {
  const start = visible(text.slice(0, length * 2))
    .replace(/\s+/g, ' ')
    .trim();
  return start.length > length ? `${start.slice(0, length - 1)}…` : start;
}
