import { Verdict } from '../support/checks.mjs';
import { runConfined } from '../support/program.mjs';
import { look, write } from '../support/solution.mjs';
import { makeRepository } from '../support/workspace.mjs';

const SCRIPT = `import csv
import io
import json
import sys

text = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
rows = [row for row in csv.DictReader(text)]
json.dump(rows, sys.stdout, ensure_ascii=False)
`;
const NAIVE = `import json
import sys

lines = sys.stdin.read().splitlines()
head = lines[0].split(",")
json.dump([dict(zip(head, line.split(","))) for line in lines[1:]], sys.stdout)
`;

export const task = {
  title: 'Convert CSV to JSON, with the edge cases',
  prompt:
    'Write convert.py: `python3 convert.py < FILE.csv` prints a JSON array with an object for each row, whose keys are those ' +
    'of the first row and whose values are strings. The files follow RFC 4180 (fields in quotation marks may have commas, ' +
    'line breaks and doubled quotation marks), are UTF-8 with or without a byte order mark, and end their lines with ' +
    'CRLF or LF. sample.csv is one. Only the standard library.',
  needs: ['python3'],
  prepare: (folder) => makeRepository(folder, { 'sample.csv': 'name,city\nAda,London\n"Bo, Jr.",Malmö\n' }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    const cases = [
      ['a,b\n1,2\n', [{ a: '1', b: '2' }]],
      [
        '\uFEFFname,note\r\n"Ada ""Countess""","two\r\nlines"\r\n',
        [{ name: 'Ada "Countess"', note: 'two\r\nlines' }],
      ],
      [
        'a,b\n,""\n"x,y",ü\n',
        [
          { a: '', b: '' },
          { a: 'x,y', b: 'ü' },
        ],
      ],
      ['a,b', []],
      ['a\n"in\nside"', [{ a: 'in\nside' }]],
    ];
    for (const [text, expected] of cases) {
      const { stdout } = await runConfined(folder, 'python3', ['convert.py'], text);
      verdict.equal(parsed(stdout), expected, `the result of ${JSON.stringify(text)}`);
    }
    verdict.onlyChanged({ folder, before }, ['convert.py']);
    return verdict.result;
  },
  right: {
    steps: [write('convert.py', SCRIPT), look('python3 convert.py < sample.csv')],
    answer: 'convert.py reads RFC 4180 by the module csv.',
  },
  wrong: [
    {
      steps: [write('convert.py', NAIVE), look('python3 convert.py < sample.csv')],
      answer: 'convert.py is there.',
    },
    { steps: [write('convert.py', SCRIPT.replace('utf-8-sig', 'utf-8'))], answer: 'convert.py is there.' },
  ],
};

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
