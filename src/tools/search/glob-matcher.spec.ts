import fc from 'fast-check';
import { globMatcher } from './glob-matcher.js';
import { planGlob } from './glob-plan.js';
import { SearchError } from './ripgrep.js';

describe('globMatcher', () => {
  it.each([
    ['*.py', ['a.py', 'a.py.py'], ['a.pyc', 'x/a.py', '.a.py']],
    ['**/*.py', ['a.py', 'x/a.py', 'x/y/a.py'], ['.x/a.py', 'x/.a.py']],
    ['src/**/*.{ts,tsx}', ['src/a.ts', 'src/b/c.tsx'], ['a.ts', 'src/a.js', 'src/.git/a.ts']],
    ['**/test_?.[jt]s', ['test_1.js', 'a/test_x.ts'], ['test_12.js', 'test_1.cs']],
    ['[!a-c]*', ['d', 'dd'], ['a', 'bb', '.d']],
    ['a/**', ['a/b', 'a/b/c'], ['b', 'b/a', 'a/.b']],
    ['.github/**/*.yml', ['.github/a.yml', '.github/w/a.yml'], ['github/a.yml']],
    ['**/{a,b{1,2}}.c', ['a.c', 'x/b1.c', 'b2.c'], ['b.c', 'b3.c']],
    ['\\*.c', ['*.c'], ['a.c']],
    ['{a', ['{a'], ['a']],
    ['x{a}', ['x{a}'], ['xa']],
    ['[', ['['], ['a']],
    ['**/a/**/b', ['a/b', 'x/a/y/z/b', 'a/a/b'], ['b', 'a/x', 'a/.x/b']],
    ['🙂?', ['🙂🙂'], ['🙂']],
  ])('matches %s', (pattern, yes, no) => {
    const matches = globMatcher(pattern);
    expect(yes.filter((file) => !matches(file))).toEqual([]);
    expect(no.filter(matches)).toEqual([]);
  });

  it('agrees with a regular expression on wildcards within a name', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 });
    const names = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(letters, names, (pattern, name) => {
        const source = pattern.map((letter) => (letter === '*' ? '.*' : letter === '?' ? '.' : letter));
        // An empty pattern has no segments and no file has none.
        fc.pre(pattern.length > 0 && pattern.join('') !== '**');
        expect(globMatcher(pattern.join(''))(name)).toBe(new RegExp(`^${source.join('')}$`).test(name));
      }),
    );
  });

  it('agrees with a regular expression on folders', () => {
    const segments = fc.array(fc.constantFrom('a', 'b', '**'), { minLength: 1, maxLength: 6 });
    const file = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(segments, file, (pattern, names) => {
        const source = pattern.map((segment) => (segment === '**' ? '(?:[ab]/)*' : `${segment}/`)).join('');
        const expected = new RegExp(`^${source}$`).test(`${names.join('/')}/`);
        expect(globMatcher(pattern.join('/'))(names.join('/'))).toBe(expected);
      }),
    );
  });

  it('answers soon whatever the pattern', () => {
    const started = performance.now();
    expect(globMatcher(`${'*a'.repeat(60)}b`)('a'.repeat(250))).toBe(false);
    expect(globMatcher(`${'**/a/'.repeat(60)}b`)('a/'.repeat(1000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(() => globMatcher('{a,b}'.repeat(20))).toThrow(SearchError);
  });
});

describe('planGlob', () => {
  it.each([
    ['*.py', '/w', ['x/a.py'], false],
    ['src/**/*.py', '/w/src', ['x/a.py', 'a.py'], false],
    ['/abs/x/*.py', '/abs/x', ['a.py'], false],
    ['/*.py', '/', ['a.py'], false],
    ['../up/*.py', '/up', ['a.py'], false],
    ['src/a.py', '/w/src', ['a.py'], false],
    ['.env*', '/w', ['.env.local', 'x/.env'], true],
    ['.github/*', '/w/.github', ['a.yml'], false],
    ['**/{a,.b}', '/w', ['a', 'x/.b'], true],
  ])('searches %s in %s', (pattern, folder, files, hidden) => {
    const plan = planGlob('/w', pattern);
    expect([plan.folder, plan.hidden]).toEqual([folder, hidden]);
    expect(files.filter((file) => !plan.accepts(file))).toEqual([]);
  });

  it('refuses patterns that are too long, or stand for too much', () => {
    expect(() => globMatcher('a*'.repeat(501))).toThrow('at most 1000 characters');
    expect(() => globMatcher('{a,b}'.repeat(8) + 'a*'.repeat(100))).toThrow('stand for too many patterns');
  });
});
