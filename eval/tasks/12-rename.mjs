import { evaluate, testsPass, Verdict } from '../support/checks.mjs';
import { look, run } from '../support/solution.mjs';
import { makeRepository, readText } from '../support/workspace.mjs';

const FILES = {
  'src/users.mjs': `const users = new Map([[1, { name: 'Ada' }]]);

export function getUser(id) {
  return users.get(id);
}

export function getUserName(id) {
  return getUser(id)?.name ?? 'nobody';
}
`,
  'src/index.mjs': "export { getUser, getUserName } from './users.mjs';\n",
  'src/log.mjs': `import { getUser as load } from './users.mjs';

/** Older logs have lines such as "getUser(1)"; others read them, so they stay. */
export const logLine = (id) => (load(id) ? \`getUser(\${id})\` : '');
`,
  'test/users.test.mjs': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getUser } from '../src/index.mjs';

test('getUser finds a user', () => assert.equal(getUser(1).name, 'Ada'));
`,
  'README.md': '# Users\n\n`getUser(id)` returns a user, `getUserName(id)` the name.\n',
};
const RENAME = `sed -i -E 's/\\bgetUser\\b/findUser/g' src/users.mjs src/index.mjs test/users.test.mjs README.md`;

export const task = {
  title: 'Rename a function across files',
  prompt:
    'Rename the function getUser to findUser everywhere: code, tests and README. getUserName keeps its name, and what the ' +
    'program writes and returns must not change.',
  prepare: (folder) => makeRepository(folder, FILES),
  async check({ folder, before }) {
    const verdict = new Verdict();
    const values = await evaluate(
      folder,
      `import * as users from './src/index.mjs';
       import { logLine } from './src/log.mjs';
       console.log(JSON.stringify([Object.keys(users), users.findUser(1).name, users.getUserName(1), logLine(1)]));`,
    );
    verdict.equal(values, [['findUser', 'getUserName'], 'Ada', 'Ada', 'getUser(1)'], 'what the modules do');
    for (const name of ['src/users.mjs', 'src/index.mjs', 'test/users.test.mjs', 'README.md']) {
      verdict.require(!/\bgetUser\b/.test((await readText(folder, name)) ?? ''), `${name} has the old name`);
    }
    verdict.require(
      (await readText(folder, 'README.md'))?.includes('`findUser(id)`'),
      'README lacks the new name',
    );
    verdict.require(await testsPass(folder, 'test/users.test.mjs'), 'the tests fail');
    verdict.onlyChanged({ folder, before }, Object.keys(FILES));
    return verdict.result;
  },
  right: {
    steps: [
      look('grep -rn getUser src test README.md'),
      run(RENAME),
      run(`sed -i 's/{ getUser as load }/{ findUser as load }/' src/log.mjs`),
      look('node --test test/'),
    ],
    answer: 'Renamed; the text in the log stays, because others read it.',
  },
  wrong: [
    { steps: [run("sed -i 's/getUser/findUser/g' src/*.mjs test/*.mjs README.md")], answer: 'Renamed.' },
    { steps: [run(RENAME), run("sed -i 's/getUser/findUser/g' src/log.mjs")], answer: 'Renamed.' },
  ],
};
