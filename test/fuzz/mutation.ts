import fc from 'fast-check';
import { isJsonObject } from '../../src/json/index.js';

/** JSON texts, including those that no value serialises to. */
const SNIPPETS = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '-1',
  '1e308',
  '1e400',
  'NaN',
  'Infinity',
  '123456789012345678901234567890',
  '1.5',
  '"x"',
  '"\\u0000"',
  '"\\ud800"',
  '"a\\nb"',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":1}}',
  '{"kind":"Nope"}',
  '{"kind":["x"]}',
  '{"then":1}',
  `"${'long'.repeat(25_000)}"`,
  `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  '[[{}]]',
  '{"":{"":""}}',
  '{"\\ud800":"\\udc00"}',
  '{"0":1,"length":1e9}',
  '-0',
  '1e-400',
  '9007199254740993',
  '1'.repeat(50_000),
  `[${'{},'.repeat(20_000)}{}]`,
  `[${'null,'.repeat(20_000)}null]`,
  `{${Array.from({ length: 10_000 }, (_, index) => `"k${index}":${index}`).join(',')}}`,
] as const;

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'kind',
  'then',
  '',
  '\u0000',
  'a\nb',
  '\ud800',
  'x'.repeat(10_000),
] as const;

/** A change at one place of a value. */
interface Mutation {
  seed: number;
  what: 'replace' | 'remove' | 'add';
  name: string;
  snippet: string;
}

/** Any mutation. */
export const mutation: fc.Arbitrary<Mutation> = fc.record({
  seed: fc.nat(),
  what: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add'),
  name: fc.constantFrom(...NAMES),
  snippet: fc.constantFrom(...SNIPPETS),
});

const MARK = '\uE000mark\uE000';

/** The JSON of a value with one change. */
export function mutated(value: unknown, { seed, what, name, snippet }: Mutation): string {
  const copy: { root: unknown } = { root: structuredClone(value) };
  const places = placesIn(copy);
  const place = places[seed % places.length];
  if (!place) return snippet;
  const { holder, key } = place;
  if (what === 'remove' && holder !== copy) Reflect.deleteProperty(holder, key);
  else if (what === 'add' && isJsonObject(holder) && holder !== copy) define(holder, name, MARK);
  else define(holder, key, MARK);
  return JSON.stringify(copy.root).replaceAll(JSON.stringify(MARK), () => snippet);
}

function define(holder: object, key: string | number, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function placesIn(holder: object): { holder: object; key: string }[] {
  return Object.entries(holder).flatMap(([key, child]: [string, unknown]) => [
    { holder, key },
    ...(typeof child === 'object' && child !== null ? placesIn(child) : []),
  ]);
}
