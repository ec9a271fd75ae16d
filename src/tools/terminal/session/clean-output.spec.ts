import fc from 'fast-check';
import { anyCharacter } from '../../../../test/support/any-character.js';
import { turnsOf } from '../../../../test/support/count-event-loop-turns.js';

import { cleanOutput } from './clean-output.js';

describe('cleanOutput', () => {
  it.each([
    ['plain text', 'a\r\nb\tc\r\n\r\n', 'a\nb\tc'],
    ['colours', '\x1b[1;31mred\x1b[0m \x1b[38;5;12mblue\x1b[m', 'red blue'],
    ['titles and links', '\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'alink'],
    ['modes and charsets', '\x1b[?2004h\x1b[?25l\x1b(B\x1b=x\x1b[?25h', 'x'],
    ['a progress bar', '10%\r20%\r100%\ndone', '100%\ndone'],
    ['a shorter line over a longer one', 'abcdef\rxy\n', 'xycdef'],
    ['a line erased first', 'abcdef\r\x1b[Kxy\n', 'xy'],
    ['a whole line erased', 'abc\x1b[2K\rx', 'x'],
    ['backspaces', 'abd\bc', 'abc'],
    ['a spinner', '|\b/\b-\b \bdone', 'done'],
    ['several bars', 'a 1\r\nb 1\r\n\x1b[2Aa 2\r\nb 2\r\n', 'a 2\nb 2'],
    ['cursor moves', 'ab\x1b[3Cc\x1b[2Dd\x1b[1Ge', 'eb  dc'],
    ['erasing below', 'a\nb\nc\x1b[2A\r\x1b[Jx', 'x'],
    ['a cleared screen', 'before\n\x1b[H\x1b[2J\x1b[3Jafter', 'before\nafter'],
    ['absolute positions', '\x1b[1;1Hone\x1b[5;3Htwo', 'one\ntwo'],
    ['lines padded by a full-screen program', '\x1b[1;1H~     \x1b[2;1H~     ', '~\n~'],
    ['bells and NULs', 'a\x07b\x00c', 'abc'],
    ['a cut sequence', 'abc\x1b[3', 'abc'],
  ])('cleans %s', async (_name, raw, expected) => {
    expect(await cleanOutput(raw)).toBe(expected);
  });

  it('leaves text without control characters unchanged', async () => {
    const text = fc.string({ unit: 'grapheme' });
    await fc.assert(fc.asyncProperty(text, async (given) => (await cleanOutput(given)) === given.trimEnd()));
  });

  it('removes all control characters', async () => {
    const piece = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 5 }),
      fc.constantFrom('\x1b[', '\x1b]', '5A', '3B', '2K', 'J', '7;7H', '\r', '\b', '\n', '99999999C'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const controls = Array.from(await cleanOutput(pieces.join(''))).filter(
          (char) => char < ' ' || char === '\x7f',
        );
        expect(controls.filter((char) => char !== '\n' && char !== '\t')).toEqual([]);
      }),
    );
  });

  it.each([
    ['backspaces', 'abcdefgh\b'],
    ['carriage returns after much', `${'x'.repeat(500)}\r\x1b[500C`],
    ['deletions', 'abcd\b\b\x1b[P'],
    ['erasures', 'abcd\b\x1b[1K'],
    ['jumps', 'ab\x1b[A\x1b[B\b'],
  ])('takes time proportional to a line of megabytes: %s', async (_what, piece) => {
    const cleaned = async (length: number): Promise<number> => {
      const started = performance.now();
      await cleanOutput(piece.repeat(length / piece.length));
      return performance.now() - started;
    };
    await cleaned(100_000);
    const short = await cleaned(200_000);
    // Sixteen times the length: in quadratic time it would take 256 times as long.
    expect(await cleaned(3_200_000)).toBeLessThan(Math.max(50, short) * 60);
  });

  it('lets the event loop run in between', async () => {
    // The work takes at least 50 ms.
    expect(await turnsOf(cleanOutput('abcdefgh\b'.repeat(400_000)))).toBeGreaterThan(10);
  });

  it('returns only the last lines if requested', async () => {
    const lines = fc.array(fc.constantFrom('', 'a', 'bc', 'x'.repeat(3000), ' '), { maxLength: 12 });
    const colour = fc.constantFrom('', '\x1b[1m', '\x07');
    await fc.assert(
      fc.asyncProperty(lines, colour, fc.integer({ min: 1, max: 14 }), async (texts, drawn, most) => {
        const all = texts.join('\n').trimEnd().split('\n');
        const raw = drawn + texts.join('\r\n');
        expect(await cleanOutput(raw, most)).toBe(all.slice(-most).join('\n'));
      }),
    );
  });

  it('drops only rows far above the requested ones', async () => {
    const long = 'y'.repeat(2500);
    const all = Array.from({ length: 30_000 }, (_, row) =>
      row % 7 === 0 ? `${row} ${long}` : `line ${row}`,
    );
    // A colour, so that the text is drawn on the screen, and at the end a progress bar of two lines, drawn
    // twice.
    const raw = `\x1b[31m${all.join('\r\n')}\r\nbar\r\n 10%\x1b[1A\rBAR\r\n100%`;
    expect(await cleanOutput(raw, 20)).toBe([...all.slice(-18), 'BAR', '100%'].join('\n'));
  });

  it('does not allocate megabytes of blanks for cursor movements to the right', async () => {
    expect((await cleanOutput('\x1b[1023Cxx'.repeat(50_000), 10)).length).toBeLessThan(11e6);
    const jumps = await cleanOutput('\x1b[999Cx\r\n'.repeat(50_000), 10);
    expect(jumps).toBe(
      Array(10)
        .fill(`${' '.repeat(999)}x`)
        .join('\n'),
    );
  });

  it('recognises a line end at any offset of a long text', async () => {
    for (const before of [65_533, 65_534, 65_535, 65_536])
      expect(await cleanOutput(`${'x'.repeat(before)}\r\nend`)).toBe(`${'x'.repeat(before)}\nend`);
  });

  it('joins the rows of a wrapped line', async () => {
    const long = 'x'.repeat(5000);
    expect(await cleanOutput(`\x1b[1m${long}\nend`)).toBe(`${long}\nend`);
    expect(await cleanOutput(`${long}\b\by\nend`)).toBe(`${long.slice(0, -2)}yx\nend`);
  });
});
