import { Verdict } from '../support/checks.mjs';
import { runConfined } from '../support/program.mjs';
import { look, write } from '../support/solution.mjs';
import { makeRepository } from '../support/workspace.mjs';

const SCRIPT = `import re
import sys
from collections import Counter

words = Counter(re.findall(r"[^\\W\\d_]+", sys.stdin.read().lower()))
for word, count in sorted(words.items(), key=lambda item: (-item[1], item[0]))[: int(sys.argv[1])]:
    print(f"{count} {word}")
`;

export const task = {
  title: 'Write a small script',
  prompt:
    'Write top.py: `python3 top.py N < TEXT` prints the N most frequent words of a UTF-8 text, one "COUNT WORD" a line, ' +
    'the most frequent first and words of the same count in alphabetical order (by code point). Words are runs of ' +
    'letters of any alphabet, in lower case; digits, underscores and everything else separate them. Only the ' +
    'standard library. For an empty text it prints nothing.',
  needs: ['python3'],
  prepare: (folder) => makeRepository(folder, { 'README.md': '# Texts\n' }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    const cases = [
      ['2', 'b a b A c', '2 a\n2 b\n'],
      ['5', "Über über don't x_y 3x", '2 x\n2 über\n1 don\n1 t\n1 y\n'],
      ['1', 'дом Дом кот', '2 дом\n'],
      ['3', '', ''],
      ['3', '12 34\n', ''],
    ];
    for (const [count, text, expected] of cases) {
      const { stdout } = await runConfined(folder, 'python3', ['top.py', count], text);
      verdict.equal(stdout, expected, `what it prints for ${JSON.stringify(text)}`);
    }
    verdict.onlyChanged({ folder, before }, ['top.py']);
    return verdict.result;
  },
  right: {
    steps: [write('top.py', SCRIPT), look("printf 'b a b' | python3 top.py 1")],
    answer: 'top.py is there.',
  },
  wrong: [
    { steps: [write('top.py', SCRIPT.replace('[^\\W\\d_]+', '[a-z]+'))], answer: 'top.py is there.' },
    { steps: [write('top.py', SCRIPT.replace('-item[1], item[0]', '-item[1]'))], answer: 'top.py is there.' },
  ],
};
