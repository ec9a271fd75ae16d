import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { unifiedDiff } from './unified-diff.js';

const many = (word: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${word} ${index}\n`).join('');

describe('unifiedDiff', () => {
  it('shows changed lines with three lines around them', () => {
    const before = many('line', 20);
    const { text, added, removed } = unifiedDiff('a.txt', {
      before,
      after: before.replace('line 9\n', 'x\ny\n'),
    });
    expect(text).toBe(
      '--- a/a.txt\n+++ b/a.txt\n@@ -7,7 +7,8 @@\n line 6\n line 7\n line 8\n-line 9\n+x\n+y\n line 10\n line 11\n line 12\n',
    );
    expect([added, removed]).toEqual([2, 1]);
  });

  it('tells a missing file from an empty one, and equal ones from both', () => {
    expect(unifiedDiff('a', { before: undefined, after: 'x\n' }).text).toMatch(
      /^--- \/dev\/null\n\+\+\+ b\/a\n/,
    );
    expect(unifiedDiff('a', { before: 'x\n', after: undefined }).text).toMatch(
      /^--- a\/a\n\+\+\+ \/dev\/null\n/,
    );
    expect(unifiedDiff('a', { before: undefined, after: '' }).kind).toBe('text');
    expect(unifiedDiff('a', { before: undefined, after: undefined }).kind).toBe('same');
    expect(unifiedDiff('a', { before: 'x', after: Buffer.from('x') }).kind).toBe('same');
  });

  it('compares no binary and no huge file, and keeps a strange name on one line', () => {
    expect(unifiedDiff('a', { before: Buffer.from([0xff, 0xfe]), after: 'x' }).kind).toBe('binary');
    expect(unifiedDiff('a', { before: 'a\0b', after: 'x' }).kind).toBe('binary');
    expect(unifiedDiff('a', { before: 'x'.repeat(1_100_000), after: 'x' }).kind).toBe('too-large');
    const { text } = unifiedDiff('a\n+++ b/x', { before: 'x\n', after: 'y\n' });
    expect(text.split('\n').filter((line) => line.startsWith('+++'))).toHaveLength(1);
  });

  it('bounds the time and the length for texts without a line in common', () => {
    const started = performance.now();
    const found = unifiedDiff('a', { before: many('one', 90_000), after: many('other', 80_000) });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(found).toMatchObject({ kind: 'text', added: 80_000, removed: 90_000, truncated: true });
    expect(found.text.length).toBeLessThanOrEqual(1024 * 1024);
    expect(found.text.endsWith('\n')).toBe(true);
  });

  it('makes patches that git applies', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'unified-'));
    try {
      const line = fc.constantFrom('a', 'b', 'c', '', ' d', '-e', '+f');
      const content = fc
        .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
        .map(([lines, ends]) => lines.join('\n') + (ends && lines.length > 0 ? '\n' : ''));
      fc.assert(
        fc.property(content, content, (before, after) => {
          const { kind, text } = unifiedDiff('file', { before, after });
          if (kind === 'same') return before === after;
          writeFileSync(path.join(folder, 'file'), before);
          execFileSync('git', ['apply', '--unidiff-zero', '-'], { cwd: folder, input: text });
          return readFileSync(path.join(folder, 'file'), 'utf8') === after;
        }),
        { numRuns: 30 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
