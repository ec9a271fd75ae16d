import { Verdict } from '../support/checks.mjs';
import { run } from '../support/solution.mjs';
import { readText, setUp } from '../support/workspace.mjs';

/** The only device whose limit is missing its unit, in one of 10,000 files. */
const WRONG = 'devices/071/device-07164.ini';

export const task = {
  title: 'Work in a folder of 10,000 files',
  prompt:
    'Below devices/ are the settings of 10,000 devices. Each has a line such as "limit = 250mA". In exactly one file the ' +
    'unit mA is missing. Add it there, and change nothing else. Answer with the path of the file.',
  prepare: (folder) =>
    setUp(
      folder,
      `python3 - <<'END'
import os
for group in range(100):
    os.makedirs(f'devices/{group:03}')
    for number in range(group * 100, group * 100 + 100):
        unit = '' if number == 7164 else 'mA'
        with open(f'devices/{group:03}/device-{number:05}.ini', 'w') as file:
            file.write(f'[device]\\nname = d{number}\\nlimit = {100 + number % 400}{unit}\\nspare = {number % 7}\\n')
END`,
    ),
  async check({ folder, answer, before }) {
    const verdict = new Verdict();
    const expected = '[device]\nname = d7164\nlimit = 464mA\nspare = 3\n';
    verdict.equal(await readText(folder, WRONG), expected, WRONG);
    verdict.require(answer.includes('device-07164'), 'the answer does not name the file');
    await verdict.onlyChanged({ folder, before }, [WRONG]);
    return verdict.result;
  },
  right: {
    steps: [
      run(`grep -rLE 'limit = [0-9]+mA$' devices`),
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
