import fc from 'fast-check';
import { JsonProgress } from './json-progress.js';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('JsonProgress', () => {
  it('agrees with JSON.parse about each prefix of a text', () => {
    const json = fc.oneof(
      fc.json(),
      fc.array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', '1', 'a', ' ')).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(json, (text) => {
        const progress = new JsonProgress();
        for (let end = 1; end <= text.length; end += 1) {
          const seen = text.slice(0, end);
          progress.add(text.slice(end - 1, end));
          // Longer scalars never count as complete.
          if (/^\s*[[{]/.test(seen) || seen.length <= 32)
            expect(progress.isComplete(() => seen)).toBe(isJson(seen));
        }
      }),
    );
  });
});
