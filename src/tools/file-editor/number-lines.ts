/** How many characters of a file are shown at a time, line numbers not counted. */
const MAX_SHOWN_CHARS = 16_000;

const NOTICE =
  '<response clipped><NOTE>Due to the max output limit, only part of this file has been shown to you. You should ' +
  'retry this tool after you have searched inside the file with `grep -n` in order to find the line numbers of what ' +
  'you are looking for.</NOTE>';

/**
 * Lines as `cat -n` prints them, the first with the number `first`. What is too long loses its middle; the
 * lines behind the cut keep their true numbers.
 * @param mask hides secrets in a line: before anything is cut, half a secret is not found any more
 */
export function numberLines(all: readonly string[], first: number, mask: (line: string) => string): string {
  const lines = all.map(mask);
  const text = lines.map((line) => `${line}\n`).join('');
  if (text.length <= MAX_SHOWN_CHARS) return numbered(lines, first);
  const room = MAX_SHOWN_CHARS - NOTICE.length;
  const head = withoutHalfPair(text.slice(0, Math.ceil(room / 2))).split('\n');
  const tail = withoutHalfPair(text.slice(text.length - Math.floor(room / 2), -1)).split('\n');
  const [cutEnd = '', ...behind] = tail;
  const cutLine = `${head.pop() ?? ''}${NOTICE}${cutEnd}`;
  return numbered([...head, cutLine], first) + numbered(behind, first + lines.length - behind.length);
}

function numbered(lines: readonly string[], first: number): string {
  return lines.map((line, index) => `${String(first + index).padStart(6)}\t${line}\n`).join('');
}

/** A character outside the basic plane is two units: one alone at the cut goes too. */
function withoutHalfPair(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}
