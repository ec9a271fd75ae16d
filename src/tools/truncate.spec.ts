import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import fc from 'fast-check';

import { truncateMiddle, truncateMiddleAndSave } from './truncate.js';

const NOTICE =
  '<response clipped><NOTE>Due to the max output limit, only part of the full response has been shown to you.</NOTE>';
const numbers = Array.from({ length: 1000 }, (_, index) => index).join('\n');

describe('truncateMiddle', () => {
  it('returns short texts unchanged', () => {
    expect(truncateMiddle('abc', 3)).toBe('abc');
  });

  it('keeps head and tail around a notice within the limit', () => {
    const text = truncateMiddle(numbers, 400);
    expect(text).toHaveLength(400);
    // The original also keeps 144 characters before the notice.
    expect(text).toBe(numbers.slice(0, 144) + NOTICE + numbers.slice(144 + NOTICE.length - 400));
  });

  it('returns only the notice if nothing else fits', () => {
    expect(truncateMiddle(numbers, 20)).toBe('<response clipped><N');
  });

  it('never splits a character nor exceeds the limit', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 50, maxLength: 300 }),
        fc.integer({ min: 115, max: 200 }),
        (text, limit) => {
          const cut = truncateMiddle(text, limit);
          expect(cut.length).toBeLessThanOrEqual(limit);
          expect(Buffer.from(cut).toString()).toBe(cut);
          if (text.length > limit) expect(cut.length).toBeGreaterThanOrEqual(limit - 2);
        },
      ),
    );
  });
});

describe('truncateMiddleAndSave', () => {
  let folder: string;
  beforeEach(async () => {
    folder = path.join(await mkdtemp(path.join(tmpdir(), 'truncate-')), 'observations');
  });
  afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

  it('saves nothing for short texts', async () => {
    expect(await truncateMiddleAndSave('abc', 3, { folder, tool: 'terminal' })).toBe('abc');
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
  });

  it('reports the file and the first missing line', async () => {
    const text = await truncateMiddleAndSave(numbers, 1000, { folder, tool: 'bash' });
    expect(text).toHaveLength(1000);
    const file = path.join(folder, 'bash_output_cdcaf632.txt');
    // A head of 444 characters ends within the 139th line.
    expect(text).toContain(
      `${numbers.slice(0, 444)}<response clipped><NOTE>Due to the max output limit, only part of the full response has ` +
        `been shown to you. The complete output has been saved to ${file} - you can use other tools to view the full ` +
        'content (truncated part starts around line 140).</NOTE>',
    );
    expect(await readFile(file, 'utf8')).toBe(numbers);
    await truncateMiddleAndSave(numbers, 900, { folder, tool: 'bash' });
    expect(await readdir(folder)).toHaveLength(1);
  });
});
