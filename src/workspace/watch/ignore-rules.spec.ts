import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { IgnoreRules } from './ignore-rules.js';

describe('IgnoreRules', () => {
  it.each([
    ['node_modules', 'node_modules', true],
    ['node_modules/', 'deep/node_modules', true],
    ['/build', 'build', true],
    ['/build', 'src/build', undefined],
    ['docs/out', 'docs/out', true],
    ['docs/out', 'more/docs/out', undefined],
    ['*.cache', 'x.cache', true],
    ['**/gen', 'a/b/gen', true],
    ['a/**', 'a/b', true],
    ['{a,b}', 'a', undefined],
    ['{a,b}', '{a,b}', true],
    ['# comment', '# comment', undefined],
    ['x  ', 'x', true],
    ['out\n!out', 'out', false],
    ['[', '[', true],
    ['', 'x', undefined],
  ])('reads %j about %s as %s', (text, folder, expected) => {
    expect(new IgnoreRules(text).ignores(folder)).toBe(expected);
  });

  it('decides as git does', () => {
    const root = mkdtempSync(path.join(os.tmpdir(), 'ignore-'));
    const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1' };
    try {
      execFileSync('git', ['init', '-q'], { cwd: root, env });
      const part = fc.constantFrom('a', 'b', '*', 'a*', '?', 'ab');
      const pattern = fc
        .tuple(
          fc.constantFrom('', '!', '/'),
          fc.array(part, { minLength: 1, maxLength: 3 }),
          fc.constantFrom('', '/'),
        )
        .map(([lead, parts, end]) => lead + parts.join('/') + end);
      const folders = ['a', 'b', 'ab', 'aab', 'b/a', 'b/ab', 'a/b/ab'];
      for (const folder of folders) mkdirSync(path.join(root, folder), { recursive: true });
      fc.assert(
        fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), (patterns) => {
          writeFileSync(path.join(root, '.gitignore'), patterns.join('\n'));
          const args = ['check-ignore', '--no-index', '-v', '-n', '-z', '--stdin'];
          const input = folders.map((name) => `${name}\0`).join('');
          const fields = spawnSync('git', args, { cwd: root, env, input }).stdout.toString().split('\0');
          folders.forEach((folder, index) => {
            // Only what is decided about the folder itself: git also answers for folders above it.
            const rules = new IgnoreRules(patterns.join('\n'));
            const above = folder.includes('/') && rules.ignores(path.dirname(folder)) === true;
            if (above || folder === 'a/b/ab') return;
            const found = fields[index * 4 + 2] ?? '';
            expect([patterns, folder, rules.ignores(folder) === true]).toEqual([
              patterns,
              folder,
              found !== '' && !found.startsWith('!'),
            ]);
          });
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
