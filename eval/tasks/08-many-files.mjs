import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { readText } from '../support/workspace.mjs';

/** The only device whose limit is missing its unit, in one of 10,000 files. */
const WRONG = 'devices/071/device-07164.ini';

export const task = {
  title: 'Work in a folder of 10,000 files',
  prompt:
    'Below devices/ are the settings of 10,000 devices. Each has a line such as "limit = 250mA". In exactly one file the ' +
    'unit mA is missing. Add it there, and change nothing else. Answer with the path of the file.',
  async prepare(folder) {
    // Without promises, which take several times as long for thousands of small files.
    for (let group = 0; group < 100; group += 1) {
      const below = path.join(folder, 'devices', String(group).padStart(3, '0'));
      mkdirSync(below, { recursive: true });
      for (let number = group * 100; number < group * 100 + 100; number += 1) {
        const name = `device-${String(number).padStart(5, '0')}.ini`;
        const limit = `${100 + (number % 400)}${number === 7164 ? '' : 'mA'}`;
        const text = `[device]\nname = d${number}\nlimit = ${limit}\nspare = ${number % 7}\n`;
        writeFileSync(path.join(below, name), text);
      }
    }
  },
  async check({ folder, answer, before }) {
    const verdict = new Verdict();
    const expected = '[device]\nname = d7164\nlimit = 464mA\nspare = 3\n';
    verdict.equal(await readText(folder, WRONG), expected, WRONG);
    verdict.require(answer.includes('device-07164'), 'the answer does not name the file');
    verdict.onlyChanged({ folder, before }, [WRONG]);
    return verdict.result;
  },
  right: {
    steps: [
      look(`grep -rLE 'limit = [0-9]+mA$' devices`),
      run(`sed -i 's/^limit = 464$/limit = 464mA/' ${WRONG}`),
    ],
    answer: `It was ${WRONG}.`,
  },
  wrong: [
    {
      steps: [run(`sed -i -E 's/^(limit|spare) = ([0-9]+)$/\\1 = \\2mA/' devices/071/*.ini`)],
      answer: `It was ${WRONG}.`,
    },
  ],
};
