/** Results for longer texts are not kept: clients could fill the memory with them. */
const MAX_KEY_LENGTH = 256;

/**
 * Caches the results of a pure function of a text.
 * @param maxEntries when there are as many, all are discarded
 */
export function memoize<T>(compute: (text: string) => T, maxEntries = 256): (text: string) => T {
  const cache = new Map<string, { result: T }>();
  return (text) => {
    const cached = cache.get(text);
    if (cached) return cached.result;
    const result = compute(text);
    if (text.length > MAX_KEY_LENGTH) return result;
    if (cache.size >= maxEntries) cache.clear();
    // A copy: a slice of a longer string would keep all of that in memory.
    cache.set(Buffer.from(text, 'utf16le').toString('utf16le'), { result });
    return result;
  };
}
