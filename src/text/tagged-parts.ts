/**
 * The parts of a text between `open` and `close`, and those outside; an `open` without its `close` is
 * outside. The time is linear in the length, which an expression like `/<a>[^]*?<\/a>/g` is not: each `<a>`
 * without an end is searched to the end of the text.
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
