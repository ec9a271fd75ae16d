import { Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { makeRepository, readText } from '../support/workspace.mjs';

const lines = (timeout, ...added) =>
  [
    '\uFEFF[server]',
    'port = 8080',
    `timeout = ${timeout}`,
    ...added,
    '',
    '[log]',
    'path = C:\\logs\\app.log ',
    '',
  ].join('\r\n');

export const task = {
  title: 'Keep line ends (CRLF)',
  prompt:
    'In app.ini, set timeout of the section [server] to 60, and add "retries = 3" in the line below it. A program on ' +
    'Windows reads the file: apart from that, it must stay byte for byte as it is.',
  prepare: (folder) => makeRepository(folder, { 'app.ini': lines(30), '.gitattributes': '* -text\n' }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    verdict.equal(await readText(folder, 'app.ini'), lines(60, 'retries = 3'), 'app.ini');
    verdict.onlyChanged({ folder, before }, ['app.ini']);
    return verdict.result;
  },
  right: {
    steps: [
      look('cat -A app.ini'),
      run("sed -i 's/^timeout = 30\\r$/timeout = 60\\r\\nretries = 3\\r/' app.ini"),
    ],
    answer: 'Both values are set; the line ends are still CRLF.',
  },
  wrong: [
    { steps: [run("sed -i 's/^timeout = 30.*$/timeout = 60\\nretries = 3/' app.ini")], answer: 'Set.' },
    {
      steps: [run("sed -i 's/\\r$//; s/^timeout = 30$/timeout = 60\\nretries = 3/' app.ini")],
      answer: 'Set.',
    },
  ],
};
