import { evaluate, Verdict } from '../support/checks.mjs';
import { look, run, write } from '../support/solution.mjs';
import { git, INIT, setUp, writeFiles } from '../support/workspace.mjs';

const source = (greeting, parameters) => `/** Greets a person. */
export function greet(${parameters}) {
  return ${greeting};
}
`;
const MERGED = source(
  "`${language === 'de' ? 'Hallo' : 'Hello'} ${loud ? name.toUpperCase() : name}`",
  'name, { loud, language } = {}',
);

export const task = {
  title: 'Resolve a merge conflict',
  prompt:
    'The merge of the branch "german" into "main" has stopped at a conflict in greet.mjs. main has added the option ' +
    '`loud` (the name in capital letters), german the option `language: "de"` ("Hallo" instead of "Hello"). Resolve the ' +
    'conflict so that both options work, also together, and finish the merge with a commit.',
  async prepare(folder) {
    const file = (text) => writeFiles(folder, { 'greet.mjs': text });
    await file(source('`Hello ${name}`', 'name'));
    await setUp(folder, `${INIT}\ngit add -A && git commit -qm 'Greet' && git checkout -q -b german`);
    await file(source("`${language === 'de' ? 'Hallo' : 'Hello'} ${name}`", 'name, { language } = {}'));
    await setUp(folder, "git commit -qam 'Greet in German' && git checkout -q main");
    await file(source('`Hello ${loud ? name.toUpperCase() : name}`', 'name, { loud } = {}'));
    await setUp(folder, "git commit -qam 'Greet loudly'; git merge -q german >/dev/null || true");
  },
  async check({ folder }) {
    const verdict = new Verdict();
    const values = await evaluate(
      folder,
      `import { greet } from './greet.mjs';
       console.log(JSON.stringify([greet('Ada'), greet('Ada', { loud: true }), greet('Ada', { language: 'de' }),
         greet('Ada', { loud: true, language: 'de' }), greet('Ada', {})]));`,
    );
    const expected = ['Hello Ada', 'Hello ADA', 'Hallo Ada', 'Hallo ADA', 'Hello Ada'];
    verdict.equal(values, expected, 'what greet() returns');
    const parents = (await git(folder, 'log', '-1', '--format=%s|%P')) ?? '';
    verdict.equal(await git(folder, 'rev-parse', '--abbrev-ref', 'HEAD'), 'main', 'the branch');
    verdict.equal(parents.split('|').at(-1).split(' ').length, 2, 'the number of parents of the last commit');
    verdict.equal(await git(folder, 'branch', '--no-merged'), '', 'what is not merged');
    verdict.equal(await git(folder, 'status', '--porcelain'), '', 'what is not committed');
    return verdict.result;
  },
  right: {
    steps: [
      look('git status; cat greet.mjs'),
      run('rm greet.mjs'),
      write('greet.mjs', MERGED),
      run("git add greet.mjs && git commit -qm 'Merge german'"),
    ],
    answer: 'Both options work, and the merge is committed.',
  },
  wrong: [
    { steps: [run("git checkout --ours greet.mjs && git commit -qam 'Merge german'")], answer: 'Merged.' },
    { steps: [run('rm greet.mjs'), write('greet.mjs', MERGED)], answer: 'Both options work.' },
    // What git cannot say, or is told not to say, is not taken for nothing.
    {
      steps: [
        ...[run('rm greet.mjs'), write('greet.mjs', MERGED)],
        run("git add greet.mjs && git commit -qm 'Merge german' && echo > .git/index && touch notes.txt"),
      ],
      answer: 'Both options work, and the merge is committed.',
    },
    {
      steps: [
        ...[run('rm greet.mjs'), write('greet.mjs', MERGED)],
        run("git add greet.mjs && git commit -qm 'Merge german'"),
        run('git config status.showUntrackedFiles no && touch notes.txt'),
      ],
      answer: 'Both options work, and the merge is committed.',
    },
  ],
};
