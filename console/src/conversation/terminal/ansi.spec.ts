import fc from 'fast-check';
import { parseAnsi } from './ansi.js';

const plain = (text: string): string =>
  parseAnsi(text)
    .map((line) => line.map((span) => span.text).join(''))
    .join('\n');

const output = fc.string({
  unit: fc.constantFrom(
    'a',
    'b',
    ' ',
    '\n',
    '\r',
    '\b',
    '\x1b',
    '\x1b[',
    '\x1b[31m',
    '\x1b[0m',
    '\x1b[K',
    '\x1b[2K',
    '\x1b]0;',
    '\x07',
    '38;5;200m',
    ';',
  ),
  maxLength: 300,
});

describe('terminal output of the console', () => {
  it('reads colours and styles', () => {
    expect(parseAnsi('a\x1b[1;31mb\x1b[0mc\x1b[38;5;196md\x1b[48;2;1;2;3me')).toEqual([
      [
        { text: 'a', style: {} },
        { text: 'b', style: { bold: true, colour: 1 } },
        { text: 'c', style: {} },
        { text: 'd', style: { colour: 'rgb(255 0 0)' } },
        { text: 'e', style: { colour: 'rgb(255 0 0)', background: 'rgb(1 2 3)' } },
      ],
    ]);
  });

  it.each([
    ['progress 1%\rprogress 22%', 'progress 22%'],
    ['abc\rX', 'Xbc'],
    ['abc\r\x1b[Kd', 'd'],
    ['abc\b\bX', 'aXc'],
    ['a\r\nb', 'a\nb'],
    ['\x1b]8;;https://a.b\x07link\x1b]8;;\x07', 'link'],
    ['a\x1b[2Jb\x1b[10;5Hc', 'abc'],
    ['a\x1b', 'a'],
  ])('shows %j as %j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  it('makes one line for each line, and leaves no control character of its own', () => {
    fc.assert(
      fc.property(output, (text) => {
        const lines = parseAnsi(text);
        expect(lines.length).toBe(text.replaceAll('\r\n', '\n').split('\n').length);
        for (const span of lines.flat()) {
          expect(span.text).not.toBe('');
          for (const control of ['\r', '\b', '\x1b', '\x07']) expect(span.text).not.toContain(control);
        }
      }),
    );
  });

  it('takes time in proportion to the length, and makes a bounded number of spans', () => {
    for (const piece of [
      '\ra',
      'ab\b',
      'a\x1b[31mb\b\b',
      '\x1b',
      '\x1b]0;',
      '\x1b[1;',
      '\x1b[31ma\x1b[32mb',
      'a\n',
    ]) {
      const started = performance.now();
      const lines = parseAnsi(piece.repeat(300_000 / piece.length));
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(lines.flat().length).toBeLessThan(4_000 + lines.length + 1);
    }
  });
});
