/** The maximum number of characters that are shown of a file, not counting line numbers. */
const MAX_SHOWN_CHARS = 16_000;

const NOTICE =
  '<response clipped><NOTE>Due to the max output limit, only part of this file has been shown to you. You should ' +
  'retry this tool after you have searched inside the file with `grep -n` in order to find the line numbers of what ' +
  'you are looking for.</NOTE>';

/**
 * Numbers lines as `cat -n` does, starting with `first`. Long texts are cut in the middle; the lines rest the
 * cut keep their correct numbers.
 * @param mask masks secrets in a line. Applied before the cut, because a partial value is not recognised.
 */
export function numberLines(
  unmasked: readonly string[],
  first: number,
  mask: (line: string) => string,
): string {
  const lines = unmasked.map(mask);
  const text = lines.map((line) => `${line}\n`).join('');
  if (text.length <= MAX_SHOWN_CHARS) return numbered(lines, first);
  const room = MAX_SHOWN_CHARS - NOTICE.length;
  const head = withoutLoneSurrogate(text.slice(0, Math.ceil(room / 2))).split('\n');
  const tail = withoutLoneSurrogate(text.slice(text.length - Math.floor(room / 2), -1)).split('\n');
  const [cutEnd = '', ...rest] = tail;
  const cutLine = `${head.pop() ?? ''}${NOTICE}${cutEnd}`;
  return numbered([...head, cutLine], first) + numbered(rest, first + lines.length - rest.length);
}

function numbered(lines: readonly string[], first: number): string {
  return lines.map((line, index) => `${String(first + index).padStart(6)}\t${line}\n`).join('');
}

/** Removes half of a surrogate pair at the cut. */
function withoutLoneSurrogate(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}
