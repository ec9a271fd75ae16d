/** A part of a text that is short enough to be shown. */
export interface Excerpt {
  text: string;
  /** Lines and characters that are left out. */
  hiddenLines: number;
  hiddenCharacters: number;
}

/** Lines are not counted beyond this many characters. */
const MAX_COUNTED = 2_000_000;

/** The first or last lines of a text, bounded in lines and characters. */
export function excerpt(text: string, lines: number, characters: number, side: 'start' | 'end'): Excerpt {
  const near = side === 'start' ? text.slice(0, characters) : text.slice(-characters);
  const cut = side === 'start' ? endOfLine(near, lines) : startOfLine(near, lines);
  const shown = side === 'start' ? near.slice(0, cut) : near.slice(cut);
  return {
    text: shown,
    hiddenLines: lineCount(text) - lineCount(shown),
    hiddenCharacters: text.length - shown.length,
  };
}

/** The number of lines of a text; those of very long texts are not counted to the end. */
export function lineCount(text: string): number {
  let count = 1;
  const end = Math.min(text.length, MAX_COUNTED);
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function endOfLine(text: string, lines: number): number {
  let at = -1;
  for (let count = 0; count < lines; count += 1) {
    at = text.indexOf('\n', at + 1);
    if (at < 0) return text.length;
  }
  return at;
}

function startOfLine(text: string, lines: number): number {
  let at = text.length;
  for (let count = 0; count < lines; count += 1) {
    at = at <= 0 ? -1 : text.lastIndexOf('\n', at - 1);
    if (at < 0) return 0;
  }
  return at + 1;
}
