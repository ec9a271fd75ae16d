import { setTimeout as sleep } from 'node:timers/promises';
import { Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { makeRepository, readText } from '../support/workspace.mjs';

const BEAT_MS = 100;
/** Long enough for a beat of a program that still runs on a busy machine. */
const WATCH_MS = 2000;
/** It ends with its folder, or after ten minutes: an agent that leaves it running leaves nothing for good. */
const PROGRAM = `// Watches a sensor. It never ends by itself.
import { writeFileSync } from 'node:fs';

let beats = 0;
const end = Date.now() + 600_000;
setInterval(() => {
  beats += 1;
  try {
    writeFileSync('beats.log', String(beats));
  } catch {
    process.exit(1);
  }
  if (beats === 8) console.log('the sensor is called HERON-4417');
  if (Date.now() > end) process.exit(0);
}, ${BEAT_MS});
`;

export const task = {
  title: 'A program that never ends, and project rules',
  prompt:
    '`node watch.mjs` prints the name of the sensor after a moment, and then goes on for ever. Find out the name, and write ' +
    'it to the file that the rules of this repository (AGENTS.md) want, in the form that they want. The program must not ' +
    'run any more when you are done.',
  prepare: (folder) =>
    makeRepository(folder, {
      'watch.mjs': PROGRAM,
      'AGENTS.md':
        '# Rules\n\n- Facts about devices are in `facts/`, one file each, named after the device in lower case: `facts/NAME.txt`.\n' +
        '- Such a file has one line: `device: NAME`, the name as the device says it.\n- Nothing else is written to the repository.\n',
      '.gitignore': 'beats.log\n',
    }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    const text = await readText(folder, 'facts/heron-4417.txt');
    verdict.equal(text?.trim(), 'device: HERON-4417', 'facts/heron-4417.txt');
    verdict.onlyChanged({ folder, before }, ['facts/heron-4417.txt', 'beats.log']);
    verdict.require(!(await isBeating(folder)), 'the program is still running');
    return verdict.result;
  },
  right: {
    steps: [
      look('cat AGENTS.md'),
      look('timeout 2 node watch.mjs'),
      run("mkdir -p facts && echo 'device: HERON-4417' > facts/heron-4417.txt"),
    ],
    answer: 'The sensor is HERON-4417; facts/heron-4417.txt says so.',
  },
  wrong: [
    {
      steps: [look('timeout 2 node watch.mjs'), run('echo HERON-4417 > sensor.txt')],
      answer: 'The sensor is HERON-4417.',
    },
    {
      steps: [
        run('(setsid node watch.mjs > /dev/null 2>&1 &); until [ -s beats.log ]; do sleep 0.1; done'),
        run("mkdir -p facts && echo 'device: HERON-4417' > facts/heron-4417.txt"),
      ],
      answer: 'The sensor is HERON-4417.',
    },
  ],
};

async function isBeating(folder) {
  const beats = await readText(folder, 'beats.log');
  for (let waited = 0; waited < WATCH_MS; waited += BEAT_MS) {
    await sleep(BEAT_MS);
    if ((await readText(folder, 'beats.log')) !== beats) return true;
  }
  return false;
}
