import fc from 'fast-check';
import { parseYaml, YamlError } from './parse-yaml.js';

const SIZE = 8 * 1024;
/** Ten times what the worst of them needs (ms of processor time, 8 KiB). */
const GENEROUS_MS = 500;

/** Pieces of which hostile documents are made. */
const PIECES = [
  ...[
    '"',
    "'",
    '&a ',
    '*a ',
    '!t ',
    '!!binary ',
    '[',
    '{',
    ']',
    '}',
    ',',
    ': ',
    '? ',
    '- ',
    '-\n',
    '\n',
    '\t',
  ],
  ...[
    '|\n',
    '>-\n  x\n',
    '<<: *a\n',
    '#',
    '%',
    '---\n',
    '...\n',
    '@',
    '`',
    '\0',
    '\uFEFF',
    '😀',
    '\\',
    'a',
    'a: b\n',
  ],
  ...[
    ' ',
    '  ',
    'key: value\n',
    '[[',
    '{a: {',
    '"\\x',
    '&',
    '!',
    '*',
    '\r',
    '\u2028',
    '- - ',
    '? ? ',
    'a: b: c\n',
  ],
];

/** What it takes (ms of processor time), whatever becomes of the text. */
async function costOf(text: string): Promise<number> {
  const before = process.cpuUsage();
  await parseYaml(text).catch((error: unknown) => {
    if (!(error instanceof YamlError)) throw error;
  });
  return process.cpuUsage(before).user / 1000;
}

describe('parseYaml', () => {
  it('parses small documents', async () => {
    const text =
      '# c\nname: a\nlist:\n  - 1\n  - [x, {y: true}]\nbase: &b {k: v}\nsame: *b\ntext: |\n  one\n  two\n';
    expect(await parseYaml(text)).toEqual({
      ...{ name: 'a', list: [1, ['x', { y: true }]], base: { k: 'v' }, same: { k: 'v' }, text: 'one\ntwo\n' },
    });
    expect(await parseYaml('')).toBeNull();
    await expect(parseYaml('a: [1\nb: "')).rejects.toThrow(/^is not valid YAML: .+ at line \d$/);
  });

  it.each([
    ['a: '.padEnd(SIZE + 1, 'x'), 'has more than 8192 characters'],
    ['['.repeat(100), 'has collections nested more than 32 deep'],
    ['{a: '.repeat(100), 'has collections nested more than 32 deep'],
    ['- '.repeat(100), 'has collections nested more than 32 deep'],
    ['? '.repeat(100), 'has collections nested more than 32 deep'],
    ['"" '.repeat(2000), 'has more than 1000 tokens'],
    ['\n'.repeat(2000), 'has more than 1000 lines'],
    ['- &a 1\n'.repeat(100), 'has more than 32 anchors'],
    ['- !t 1\n'.repeat(100), 'has more than 32 tags'],
    [`a: &a 1\nb:\n${'  - *a\n'.repeat(100)}`, 'has more than 16 aliases'],
  ])('is refused before it is parsed where it has too much of something (%#)', async (text, reason) => {
    await expect(parseYaml(text)).rejects.toThrow(new YamlError(reason));
  });

  it('takes neither quadratic time nor stack for repetitions', async () => {
    for (const piece of PIECES) {
      for (const head of ['', 'a: ', '[', '"']) {
        const text = (head + piece.repeat(SIZE)).slice(0, SIZE);
        expect([piece, (await costOf(text)) < GENEROUS_MS]).toEqual([piece, true]);
      }
    }
  });

  it('parses or refuses any mixture of tokens in short time', async () => {
    const piece = fc.constantFrom(...PIECES);
    const run = fc.tuple(piece, fc.integer({ min: 1, max: 400 })).map(([text, times]) => text.repeat(times));
    const document = fc.array(fc.oneof(piece, run), { maxLength: 60 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(document, async (text) => (await costOf(text.slice(0, SIZE))) < GENEROUS_MS),
      { numRuns: 150 },
    );
  });
});
