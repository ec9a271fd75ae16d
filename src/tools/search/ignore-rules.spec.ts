import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { IgnoreRules } from './ignore-rules.js';

describe('IgnoreRules', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'ignore-'));
    execFileSync('git', ['init', '-q', folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Of each path that git leaves out by these rules, itself or by a folder above it. */
  function ofGit(rules: string, files: readonly string[]): string[] {
    writeFileSync(path.join(folder, '.gitignore'), rules);
    const { stdout } = spawnSync('git', ['check-ignore', '--no-index', '--stdin', '-z'], {
      cwd: folder,
      input: files.join('\0'),
    });
    return stdout
      .toString()
      .split('\0')
      .filter((file) => file !== '');
  }

  /** As the scan asks: from the top down, and nothing below what is left out. */
  function ofRules(text: string, files: readonly string[]): string[] {
    const rules = new IgnoreRules(text);
    return files.filter((file) => {
      const names = file.split('/');
      return names.some((_, at) => {
        const below = names.slice(0, at + 1).join('/');
        return rules.verdict(below, at < names.length - 1) === 'ignored';
      });
    });
  }

  const FILES = [
    'a',
    'b',
    'a.log',
    'src/a',
    'src/b.log',
    'src/a/b',
    'a b',
    'x/y/z/a',
    'b/src/a',
    '.a',
    'a{b}',
  ];

  it('leaves out what git leaves out', () => {
    const part = fc.constantFrom(
      'a',
      'b',
      'src',
      '*',
      '**',
      '*.log',
      '?',
      '[ab]',
      '[!a]',
      'a*',
      '.a',
      'x',
      'a{b}',
    );
    const line = fc
      .tuple(
        fc.constantFrom('', '', '!', '/'),
        fc.array(part, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '', '/', ' '),
      )
      .map(([first, parts, last]) => `${first}${parts.join('/')}${last}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        const text = lines.join('\n');
        expect(ofRules(text, FILES)).toEqual(ofGit(text, FILES));
      }),
      { numRuns: 120 },
    );
  });

  it.each([
    ['many wildcards', `${'*a'.repeat(190)}b`, 'a'.repeat(255)],
    ['a long text after a wildcard', `*${'a'.repeat(120)}b*`, 'a'.repeat(255)],
    ['classes', `*${'[a-z]'.repeat(60)}b*`, 'a'.repeat(255)],
    ['any folders', `${'**/a/'.repeat(70)}b`, `${'a/'.repeat(2_000)}a`],
    ['plain paths', 'a/b', 'a/'.repeat(2_000)],
  ])('decides soon whatever the patterns: %s', (_, pattern, file) => {
    const rules = new IgnoreRules(`${pattern}\n`.repeat(2_000));
    const started = performance.now();
    for (let count = 0; count < 20; count += 1) expect(rules.verdict(file, true)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
