/** Longer texts are worked out each time: whoever sends many of them shall not fill the memory. */
const LONGEST_TEXT = 256;

/**
 * Remembers what a function answers to the texts that it is asked of again and again; nothing but the text
 * may make a difference.
 * @param most so many texts are remembered; beyond it all are forgotten
 */
export function remembered<T>(answer: (text: string) => T, most = 256): (text: string) => T {
  const known = new Map<string, { is: T }>();
  return (text) => {
    const found = known.get(text);
    if (found) return found.is;
    const is = answer(text);
    if (text.length > LONGEST_TEXT) return is;
    if (known.size >= most) known.clear();
    // Cut out of a longer text it would keep all of that in memory.
    known.set(Buffer.from(text, 'utf16le').toString('utf16le'), { is });
    return is;
  };
}
