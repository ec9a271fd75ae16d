import { longestReplayMs } from './replay.js';
import { FolderMapping } from './replay-texts.js';

describe('FolderMapping', () => {
  const mapping = new FolderMapping('/w/pro.ject', '/tmp/"x');

  it('maps paths at the beginning of lines, in texts and in JSON within texts', () => {
    const args = { command: 'cat \\\n/w/pro.ject/a && ls /w/pro.ject', lines: ['\t/w/pro.ject/b'] };
    const mapped = mapping.applyTo({ args, arguments: JSON.stringify(args) });
    expect(mapped.args).toEqual({
      command: 'cat \\\n/tmp/"x/a && ls /tmp/"x',
      lines: ['\t/tmp/"x/b'],
    });
    expect(new FolderMapping('/w/pro.ject', '/tmp/x').applyTo(JSON.stringify(args))).toBe(
      JSON.stringify(args).replaceAll('/w/pro.ject', '/tmp/x'),
    );
  });

  it('leaves longer names as they are', () => {
    const text = '/w/pro.jects /w/project /x/w/pro.ject /w/pro.ject.txt /w/pro.ject-2';
    expect(mapping.apply(text)).toBe(text);
  });
});

describe('longestReplayMs', () => {
  it('stays within what a timer takes, however many answers there are', () => {
    const hour = 3_600_000;
    expect(longestReplayMs(60_000, 10)).toBeGreaterThanOrEqual(600_000);
    expect(longestReplayMs(hour, 25_000)).toBe(2 ** 31 - 1);
  });
});
