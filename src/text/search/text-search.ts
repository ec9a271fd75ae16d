/** Up to this length `indexOf` is used: the worst case of that is the product of both lengths. */
const SHORT = 64;

/**
 * Searches for a text in linear time (Knuth, Morris, Pratt). `indexOf` of V8 can take the product of both
 * lengths: minutes for `aaa...b...aaa` in a file of some megabytes of `a`.
 */
export class TextSearch {
  /**
   * For each length of what has matched: how much of it still matches if the next character does not.
   */
  private readonly fallback: Int32Array | undefined;

  constructor(private readonly searched: string) {
    if (searched.length > SHORT) this.fallback = fallbacks(searched.length, (at) => searched.charCodeAt(at));
  }

  /** As `indexOf`. */
  indexIn(text: string, from = 0): number {
    const { searched, fallback } = this;
    if (!fallback) return text.indexOf(searched, from);
    let matched = 0;
    for (let at = from; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      while (matched > 0 && searched.charCodeAt(matched) !== code) matched = fallback[matched - 1] ?? 0;
      if (searched.charCodeAt(matched) === code) matched += 1;
      if (matched === searched.length) return at - matched + 1;
    }
    return -1;
  }
}

/**
 * The failure table of Knuth, Morris and Pratt: for each prefix of a sequence, the length of its longest
 * proper prefix that is also its suffix.
 * @param at the item at an index
 */
export function fallbacks(length: number, at: (index: number) => number): Int32Array {
  const table = new Int32Array(length);
  let matched = 0;
  for (let index = 1; index < length; index += 1) {
    const item = at(index);
    while (matched > 0 && at(matched) !== item) matched = table[matched - 1] ?? 0;
    if (at(matched) === item) matched += 1;
    table[index] = matched;
  }
  return table;
}
