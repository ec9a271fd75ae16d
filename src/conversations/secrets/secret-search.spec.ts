import fc from 'fast-check';
import { SecretSearch, type Found } from './secret-search.js';
import { HIDDEN, StreamMask, TextMask } from './text-mask.js';

/** Few characters, so that secrets overlap and begin alike. */
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), minLength: 1, maxLength: 12 });
const values = fc.array(word, { maxLength: 5 });
const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(''));
/** Too long for an expression of V8's, and nowhere in the texts. */
const HUGE = 'xyz'.repeat(40_000);
const MANY = Array.from({ length: 2_000 }, (_, n) => `token-${n}-xyz`);

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
    ['a large one among them', [HUGE]],
    ['many of them', MANY],
  ])('finds what there is: %s', (_name, more) => {
    fc.assert(
      fc.property(values, text, fc.nat(10), (some, text, from) => {
        const all = [...some, ...more];
        const at = Math.min(from, text.length);
        const hits = new SecretSearch(all).in(text);
        expect(hits.next(at)).toEqual(found(all, text, at));
        expect(hits.openFrom(at)).toBe(open(all, text, at));
      }),
      { numRuns: 500 },
    );
  });

  it('finds a large secret, and its beginning', () => {
    const search = new SecretSearch([HUGE, 'other', ...MANY]);
    expect(search.in(`text${HUGE}`).next(0)).toEqual({ start: 4, end: 4 + HUGE.length });
    expect(search.in(`text${HUGE.slice(0, -1)}`).openFrom(0)).toBe(4);
    expect(search.in(`text token-1234-xyz`).next(0)).toEqual({ start: 5, end: 19 });
    expect(search.in(`text token-1234-xy`).openFrom(0)).toBe(5);
    // What repeats itself would take minutes if it were compared with each of its ends.
    const repeated = 's'.repeat(1_000_000);
    expect(new SecretSearch([repeated]).in(`t${repeated.slice(1)}`).openFrom(0)).toBe(1);
  });
});

describe('StreamMask', () => {
  it('hides in pieces what is hidden in the whole', () => {
    fc.assert(
      fc.property(
        values,
        fc.array(text, { maxLength: 6 }),
        fc.constantFrom([], [HUGE], MANY),
        (some, pieces, more) => {
          const secrets = [...some, ...more];
          const mask = new TextMask(secrets);
          const stream = new StreamMask(() => mask);
          const shown = pieces.map((piece) => stream.write(piece)).join('') + stream.end();
          const whole = pieces.join('');
          expect(shown.replaceAll(HIDDEN, '')).toBe(mask.mask(whole).replaceAll(HIDDEN, ''));
        },
      ),
      { numRuns: 500 },
    );
  });
});
