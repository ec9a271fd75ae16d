import * as fc from 'fast-check';
import { fuzzyMatch, wordsOf } from './fuzzy.js';

const best = (query: string, ...paths: string[]): string | undefined =>
  paths
    .map((path) => ({ path, match: fuzzyMatch(wordsOf(query), path) }))
    .filter(({ match }) => match !== undefined)
    .sort((a, b) => (b.match?.score ?? 0) - (a.match?.score ?? 0))[0]?.path;

describe('fuzzyMatch', () => {
  it.each([
    ['index', 'src/index.ts', 'src/indexes/other.ts'],
    ['fserv', 'src/files/files.service.ts', 'src/offset/reserve.ts'],
    ['ul', 'src/user-list.ts', 'src/result.ts'],
    ['UL', 'src/UserList.ts', 'src/bulk.ts'],
    ['readme', 'README.md', 'docs/read-me-first/index.md'],
    ['src/in', 'src/index.ts', 'index/src.ts'],
    ['test user', 'test/user.ts', 'test/other.ts'],
    ['a', 'a', 'deep/below/a'],
  ])('ranks for %s the path %s before %s', (query, first, second) => {
    expect(best(query, second, first)).toBe(first);
  });

  it('matches nothing that lacks a character or a word', () => {
    expect(fuzzyMatch(['xyz'], 'src/xy.ts')).toBeUndefined();
    expect(fuzzyMatch(['a', 'q'], 'abc')).toBeUndefined();
    expect(wordsOf('x'.repeat(201))).toEqual([]);
    expect(fuzzyMatch([], 'anything')).toMatchObject({ positions: [] });
  });

  it('names characters of the path that are those of the query', () => {
    const text = fc.string({ maxLength: 30, unit: fc.constantFrom('a', 'B', 'ß', 'İ', '/', '.', '-', '😀') });
    fc.assert(
      fc.property(text, text, (query, path) => {
        const words = wordsOf(query);
        const match = fuzzyMatch(words, path);
        if (!match) return;
        expect(match.positions.every((at) => at >= 0 && at < path.length)).toBe(true);
        expect(match.positions).toEqual([...new Set(match.positions)].sort((a, b) => a - b));
        if (words.length === 1 && /^[\w/.-]*$/.test(path)) {
          const matched = match.positions.map((at) => path.charAt(at)).join('');
          expect(matched.toLowerCase()).toBe(words[0]?.toLowerCase());
        }
      }),
    );
  });

  it('takes time that grows with the length only', () => {
    const started = performance.now();
    for (let round = 0; round < 100; round += 1) fuzzyMatch(['ab'.repeat(100)], 'a'.repeat(4_000));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
