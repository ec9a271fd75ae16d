import { Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { makeRepository } from '../support/workspace.mjs';

const LINES = 120_000;
const PROGRAM = `// Checks the parts of the machine, one line each.
for (let part = 1; part <= ${LINES}; part += 1) {
  if (part === 71_903) console.log(\`part \${part}: FAILED with code E-\${part * 7}\`);
  else console.log(\`part \${part}: ok, nothing to report about this part, error count 0\`);
}
`;

export const task = {
  title: 'Find one line in a long output',
  prompt:
    'Run `node selftest.mjs`. It prints a line for each part of a machine, and exactly one part fails. Answer with the ' +
    'number of this part and its code. Leave no files behind.',
  prepare: (folder) => makeRepository(folder, { 'selftest.mjs': PROGRAM }),
  async check({ folder, answer, before }) {
    const verdict = new Verdict();
    verdict.require(/\b71[,_ ]?903\b/.test(answer), 'the answer does not name part 71903');
    verdict.require(answer.includes('E-503321'), 'the answer does not have the code E-503321');
    verdict.onlyChanged({ folder, before });
    return verdict.result;
  },
  right: {
    steps: [look('node selftest.mjs'), look('node selftest.mjs | grep -v ": ok"')],
    answer: 'Part 71903 fails with code E-503321.',
  },
  wrong: [
    { steps: [look('node selftest.mjs | head -5')], answer: 'All parts are ok.' },
    {
      steps: [run('node selftest.mjs > output.txt; grep FAILED output.txt')],
      answer: 'Part 71903 fails with code E-503321.',
    },
  ],
};
