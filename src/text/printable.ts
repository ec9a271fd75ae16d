const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const CONTROLS_ALL = new RegExp(CONTROLS, 'g');
/** Those that arrange text, and cannot do more to a terminal. */
const LAYOUT = /([\n\t])/;

/** Escapes control characters, line breaks too: foreign text as a part of one line. */
export function printable(text: string): string {
  return CONTROLS.test(text) ? text.replaceAll(CONTROLS_ALL, escapedCharacter) : text;
}

/** The same for several lines: line breaks and tabs stay. */
export function printableLines(text: string): string {
  if (!CONTROLS.test(text)) return text;
  return text
    .split(LAYOUT)
    .map((part) => (LAYOUT.test(part) ? part : printable(part)))
    .join('');
}

/** A control character as an escape, such as `\n` or `\u001b`, which JSON has as well. */
export function escapedCharacter(character: string): string {
  const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
  return known ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
