import { Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { git, INIT, setUp } from '../support/workspace.mjs';

/** From this commit on the sum is wrong; its subject does not say so. */
const BROKEN_AT = 13;
const COMMITS = 20;
const MAX_NAMED = 3;

/**
 * A history as `git fast-import` reads it: one program instead of one per commit. Dates and authors are
 * fixed, so the hashes are, too: the solutions name them.
 */
function history() {
  const commits = Array.from({ length: COMMITS }, (_, index) => commitOf(index + 1));
  return `${commits.join('')}done\n`;
}

function commitOf(number) {
  const rate = number < BROKEN_AT ? '0.19' : '0.16';
  const code = `export const RATE = ${rate};\nexport const VERSION = ${number};\nexport const gross = (net) => Math.round(net * (1 + RATE) * 100) / 100;\n`;
  const subject = `Release version ${number}`;
  const time = 1_767_000_000 + number * 86_400;
  return [
    'commit refs/heads/main',
    `committer Eval <eval@example.com> ${time} +0000`,
    data(subject),
    'M 100644 inline tax.mjs',
    data(code),
    'M 100644 inline CHANGES.md',
    data(`${Array.from({ length: number }, (_, index) => `- version ${index + 1}`).join('\n')}\n`),
    '',
  ].join('\n');
}

function data(text) {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

export const task = {
  title: 'Use the history of git to find when something broke',
  prompt:
    'gross(100) of tax.mjs returned 119 in the beginning and returns something else now. Find the first commit in which ' +
    'it did. Answer with its abbreviated hash and its subject. Leave the working tree and the branch as they are.',
  async prepare(folder) {
    await setUp(
      folder,
      `${INIT}\ngit fast-import --quiet --done <<'END'\n${history()}END\ngit reset -q --hard main`,
    );
  },
  async check({ folder, answer, before }) {
    const verdict = new Verdict();
    const hashes = ((await git(folder, 'rev-list', '--reverse', 'main')) ?? '').split('\n');
    verdict.equal(hashes.length, COMMITS, 'the number of commits');
    const named = hashes.filter((hash) => answer.includes(hash.slice(0, 7)));
    // It may name the commit before, too, but not most of them.
    const isFound = named.includes(hashes[BROKEN_AT - 1]) && named.length <= MAX_NAMED;
    verdict.require(isFound, `the answer names ${JSON.stringify(named)}, not ${hashes[BROKEN_AT - 1]}`);
    verdict.require(answer.includes(`Release version ${BROKEN_AT}`), 'the answer does not have its subject');
    verdict.equal(await git(folder, 'rev-parse', '--abbrev-ref', 'HEAD'), 'main', 'the branch');
    verdict.equal(await git(folder, 'rev-parse', 'HEAD'), hashes.at(-1), 'the checked-out commit');
    verdict.onlyChanged({ folder, before });
    return verdict.result;
  },
  right: {
    steps: [look("git log --format='%h %s' -G 'RATE = ' -- tax.mjs | cat")],
    answer: 'It broke with bd68bd2 (Release version 13).',
  },
  wrong: [
    { steps: [look('git log --oneline | head -3')], answer: 'It broke with 7a12edd (Release version 20).' },
    {
      steps: [run('git checkout -q HEAD~7')],
      answer: 'It broke with bd68bd2 (Release version 13).',
    },
  ],
};
