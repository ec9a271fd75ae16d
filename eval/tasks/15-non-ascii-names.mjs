import { Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { changesSince, makeRepository, readText } from '../support/workspace.mjs';

const FILES = {
  'Überblick.txt': 'total: 3\n',
  '日本語 メモ.txt': 'total: 40\n',
  'naïve (1).txt': 'total: 500\n',
  "it's “quoted”.txt": 'total: 6000\n',
  '-dash.txt': 'total: 70000\n',
};
const MOVED = ["it's “quoted”.txt", '-dash.txt', 'naïve (1).txt'];

export const task = {
  title: 'Files with names beyond ASCII',
  prompt:
    'Each .txt file in this folder has a line "total: NUMBER". Write the sum of all numbers to sum.md (only the number and ' +
    'a line break), and move the files whose number is 500 or more into the new folder archive/, with their names.',
  prepare: (folder) => makeRepository(folder, FILES),
  async check({ folder, before }) {
    const verdict = new Verdict();
    verdict.equal((await readText(folder, 'sum.md'))?.trim(), '76543', 'sum.md');
    const expected = ['sum.md', ...MOVED, ...MOVED.map((name) => `archive/${name}`)].sort();
    verdict.equal(changesSince(before, folder), expected, 'which files have changed');
    for (const name of MOVED) verdict.equal(await readText(folder, `archive/${name}`), FILES[name], name);
    return verdict.result;
  },
  right: {
    steps: [
      look('ls -la'),
      run(`cat ./*.txt | awk '{ sum += $2 } END { print sum }' > sum.md`),
      run(
        `mkdir archive && for f in ./*.txt; do [ "$(awk '{ print $2 }' "$f")" -ge 500 ] && mv "$f" archive/; done; ls archive`,
      ),
    ],
    answer: 'The sum is 76543; three files are in archive/.',
  },
  wrong: [
    {
      steps: [
        run(`cat ./*.txt | awk '{ sum += $2 } END { print sum }' > sum.md`),
        run('mkdir archive && mv ./naïve*.txt archive/naive.txt && mv ./-dash.txt ./it*.txt archive/'),
      ],
      answer: 'The sum is 76543; three files are in archive/.',
    },
    {
      steps: [run('mkdir archive && mv ./-dash.txt ./it*.txt ./na*.txt archive/ && echo 543 > sum.md')],
      answer: 'Done.',
    },
  ],
};
