import fc from 'fast-check';
import { SecretSearch, type Found } from './secret-search.js';
import { HIDDEN, StreamMask, TextMask } from './text-mask.js';

/** Few characters, so that secrets overlap and begin alike. */
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), minLength: 1, maxLength: 12 });
const values = fc.array(word, { maxLength: 5 });
const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''));
/** Too long for an expression of V8's, and nowhere in the texts. */
const HUGE = 'xyz'.repeat(40_000);

/** The first place of any, and of those in one place the longest. */
function found(values: readonly string[], text: string, at: number): Found | undefined {
  for (let start = at; start < text.length; start += 1) {
    const here = values.filter((value) => text.startsWith(value, start)).map(({ length }) => length);
    if (here.length > 0) return { start, end: start + Math.max(...here) };
  }
  return undefined;
}

/** Where the first beginning of a secret is that the text ends in. */
function open(values: readonly string[], text: string, at: number): number {
  for (let start = at; start < text.length; start += 1) {
    const end = text.slice(start);
    if (values.some((value) => value.length > end.length && value.startsWith(end))) return start;
  }
  return text.length;
}

describe('SecretSearch', () => {
  it.each<[string, string[]]>([
    ['few secrets', []],
    ['large ones among them', [HUGE]],
  ])('finds what there is: %s', (_name, more) => {
    fc.assert(
      fc.property(values, text, fc.nat(10), (some, text, from) => {
        const all = [...some, ...more];
        const at = Math.min(from, text.length);
        const search = new SecretSearch(all);
        expect(search.next(text, at)).toEqual(found(all, text, at));
        expect(search.openFrom(text, at)).toBe(open(all, text, at));
      }),
      { numRuns: 500 },
    );
  });

  it('finds a large secret, and its beginning', () => {
    const search = new SecretSearch([HUGE, 'other']);
    expect(search.next(`text${HUGE}`, 0)).toEqual({ start: 4, end: 4 + HUGE.length });
    expect(search.openFrom(`text${HUGE.slice(0, -1)}`, 0)).toBe(4);
    // What repeats itself would take minutes if it were compared with each of its ends.
    const repeated = 's'.repeat(1_000_000);
    expect(new SecretSearch([repeated]).openFrom(`t${repeated.slice(1)}`, 0)).toBe(1);
  });
});

describe('StreamMask', () => {
  it('hides in pieces what is hidden in the whole', () => {
    fc.assert(
      fc.property(values, fc.array(text, { maxLength: 6 }), (some, pieces) => {
        const secrets = [...some, HUGE];
        const mask = new TextMask(secrets);
        const stream = new StreamMask(() => mask);
        const shown = pieces.map((piece) => stream.write(piece)).join('') + stream.end();
        const whole = pieces.join('');
        expect(shown.replaceAll(HIDDEN, '')).toBe(mask.mask(whole).replaceAll(HIDDEN, ''));
      }),
      { numRuns: 500 },
    );
  });
});
