import path from 'node:path';
import fc from 'fast-check';
import { matchesGlob } from './message-extras.js';

describe('matchesGlob', () => {
  it.each([
    ['a.ts', '**/*.ts', true],
    ['x/y/a.ts', '**/*.ts', true],
    ['x/a.ts', '*.ts', false],
    ['server/x.py', 'server/**', true],
    ['server/x/y.py', 'server/**', true],
    ['server', 'server/**', false],
    ['servers/x.py', 'server/**', false],
    ['src/a.c', 'src/', false],
    ['lib', 'lib', true],
    ['a/b/c/d', 'a/**/d', true],
    ['a/d', 'a/**/d', true],
    ['.github/x.yml', '**/*.yml', true],
    ['a.tsx', '*.{ts,tsx}', true],
    ['a.js', '*.{ts,tsx}', false],
    ['b1', '[a-c][!2]', true],
    ['b2', '[a-c][!2]', false],
    ['a[b', 'a[b', true],
    ['a.b', 'a?b', true],
    ['a/b', 'a?b', false],
    ['axb', 'a.b', false],
    ['x', './x', true],
  ])('matches %j with the pattern %j: %s', (file, pattern, expected) => {
    expect(matchesGlob(file, pattern)).toBe(expected);
  });

  it('agrees with a naive implementation', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', '.'), { minLength: 1, maxLength: 4 })
      .map((of) => of.join(''));
    const wild = fc
      .array(fc.constantFrom('a', 'b', '*', '?'), { minLength: 1, maxLength: 4 })
      .map((of) => of.join(''));
    const segment = fc.oneof(
      fc.constant('**'),
      wild.filter((of) => !of.includes('**')),
    );
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 4 }),
        fc.array(segment, { minLength: 1, maxLength: 4 }),
        (names, segments) => {
          expect(matchesGlob(names.join('/'), segments.join('/'))).toBe(byDefinition(names, segments));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('bounds the time of hostile patterns', () => {
    const started = performance.now();
    const file = path.posix.join(...Array<string>(50).fill('a'.repeat(80)));
    for (const pattern of [`${'*a'.repeat(300)}b`, `${'**/'.repeat(200)}b`, '{a,b}'.repeat(100), '[', '{']) {
      expect(matchesGlob(file, pattern)).toBe(false);
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

/** A plain recursion: exponential but obviously correct. */
function byDefinition(names: readonly string[], [pattern, ...rest]: readonly string[]): boolean {
  if (pattern === undefined) return names.length === 0;
  const [name, ...others] = names;
  if (pattern === '**') {
    if (rest.length === 0) return names.length > 0;
    return byDefinition(names, rest) || (name !== undefined && byDefinition(others, [pattern, ...rest]));
  }
  return name !== undefined && segmentByDefinition(name, pattern) && byDefinition(others, rest);
}

function segmentByDefinition(name: string, pattern: string): boolean {
  const source = pattern.replaceAll('.', '\\.').replaceAll('?', '.').replaceAll('*', '.*');
  return new RegExp(`^${source}$`).test(name);
}
