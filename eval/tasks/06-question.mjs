import { Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { git, makeRepository } from '../support/workspace.mjs';

export const task = {
  title: 'Answer a question without a change',
  prompt:
    'After how many seconds does the client of this repository give up a request, if nothing is configured? Which ' +
    'environment variable changes that? Only answer: do not change anything.',
  prepare: (folder) =>
    makeRepository(folder, {
      'README.md': '# Client\n\nRequests end after a limit. The default used to be 30 seconds.\n',
      'src/limits.mjs':
        'const SECOND = 1000;\nexport const PATIENCE = Number(process.env.FETCH_PATIENCE ?? 45) * SECOND;\nexport const TIMEOUT = 90;\n',
      'src/client.mjs':
        "import { PATIENCE } from './limits.mjs';\n\nexport const get = (url) => fetch(url, { signal: AbortSignal.timeout(PATIENCE) });\n",
      'src/server.mjs':
        "import { TIMEOUT } from './limits.mjs';\n\nexport const keepAlive = Number(process.env.TIMEOUT ?? TIMEOUT);\n",
    }),
  async check({ folder, answer, before }) {
    const verdict = new Verdict();
    verdict.require(/\b45\b/.test(answer), 'the answer does not have the 45 seconds');
    verdict.require(answer.includes('FETCH_PATIENCE'), 'the answer does not name FETCH_PATIENCE');
    verdict.onlyChanged({ folder, before });
    verdict.equal(await git(folder, 'rev-list', '--count', 'HEAD'), '1', 'the number of commits');
    return verdict.result;
  },
  right: {
    steps: [look('grep -rn "PATIENCE\\|TIMEOUT" src')],
    answer: 'After 45 seconds; FETCH_PATIENCE changes it.',
  },
  wrong: [
    { steps: [look('cat README.md')], answer: 'After 30 seconds; TIMEOUT changes it.' },
    {
      steps: [run("sed -i 's/30 seconds/45 seconds/' README.md")],
      answer:
        'After 45 seconds; FETCH_PATIENCE changes it. I have updated the README, which was out of date.',
    },
  ],
};
