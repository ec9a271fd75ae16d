/**
 * Splits a text into what is between `open` and `close` and what is outside; an `open` without `close` is
 * outside. Takes linear time, unlike `/<a>[^]*?<\/a>/g`, which searches the whole rest of the text for each
 * unclosed `<a>`.
 */
export function taggedParts(
  text: string,
  open: string,
  close: string,
): { inside: string[]; outside: string[] } {
  const inside: string[] = [];
  const outside: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(open, from);
    const end = start === -1 ? -1 : text.indexOf(close, start + open.length);
    if (end === -1) break;
    outside.push(text.slice(from, start));
    inside.push(text.slice(start + open.length, end));
    from = end + close.length;
  }
  outside.push(text.slice(from));
  return { inside, outside };
}
