/** An address or a path without the slashes at its end. Not by `/\/+$/`: a text full of slashes would cost its square. */
export function withoutEndSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}
