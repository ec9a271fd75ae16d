import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { evaluate, testsPass, Verdict } from '../support/checks.mjs';
import { look, replace, write } from '../support/solution.mjs';
import { makeRepository, overwriteFiles, readText } from '../support/workspace.mjs';

const SOURCE = `/** Makes every word begin with a capital letter. */
export function capitalise(text) {
  return text.replace(/(^|\\s)\\S/g, (start) => start.toUpperCase());
}
`;
const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capitalise } from '../src/text.mjs';

test('each word begins with a capital letter', () => {
  assert.equal(capitalise('a new day'), 'A New Day');
});
`;
const FEATURE = `
/** Makes a title usable in an address. */
export function slugify(title, limit = 40) {
  const words = title.normalize('NFD').replace(/\\p{Mn}/gu, '').toLowerCase().match(/[a-z0-9]+/g) ?? [];
  let slug = '';
  for (const word of words) {
    const longer = slug === '' ? word : \`\${slug}-\${word}\`;
    if (longer.length > limit) break;
    slug = longer;
  }
  return slug || 'untitled';
}
`;
const FEATURE_TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slugify } from '../src/text.mjs';

test('a title becomes words with hyphens', () => {
  assert.equal(slugify('Crème brûlée, again!'), 'creme-brulee-again');
});
test('words beyond the limit are left out', () => {
  assert.equal(slugify('one two three', 8), 'one-two');
});
test('a title without words is untitled', () => {
  assert.equal(slugify('!?'), 'untitled');
});
`;
/** What good tests notice. */
const MUTANT = `${SOURCE}
export function slugify(title) {
  return title.toLowerCase().replace(/ /g, '-');
}
`;

export const task = {
  title: 'Add a feature with tests',
  prompt:
    'Add slugify(title, limit = 40) to src/text.mjs: lower case; accents are removed (é becomes e); words are the runs ' +
    'of a-z and 0-9, joined by "-"; whole words are left out at the end until the result has at most `limit` ' +
    'characters; a result without any character becomes "untitled". Add tests for it to test/, which ' +
    '`node --test` runs. What there is stays as it is.',
  prepare: (folder) => makeRepository(folder, { 'src/text.mjs': SOURCE, 'test/text.test.mjs': TEST }),
  async check({ folder }) {
    const verdict = new Verdict();
    const values = await evaluate(
      folder,
      `import { capitalise, slugify } from './src/text.mjs';
       console.log(JSON.stringify([slugify('Crème brûlée, again!'), slugify('  a__b  '), slugify('one two three', 7),
         slugify('one two three', 8), slugify('one two three', 12), slugify('???'), slugify(''),
         slugify('A'.repeat(10) + ' ' + 'B'.repeat(40)), slugify('enormous', 3), capitalise('a new day')]));`,
    );
    const expected = ['creme-brulee-again', 'a-b', 'one-two', 'one-two', 'one-two', 'untitled', 'untitled'];
    verdict.equal(values, [...expected, 'aaaaaaaaaa', 'untitled', 'A New Day'], 'what slugify() returns');
    const tests = (await readdir(path.join(folder, 'test'))).filter((name) => name.endsWith('.mjs'));
    const files = tests.map((name) => `test/${name}`);
    verdict.require(await testsPass(folder, ...files), 'the tests fail');
    verdict.require(
      (await readText(folder, 'test/text.test.mjs'))?.includes('A New Day'),
      'the old test is gone',
    );
    await overwriteFiles(folder, { 'src/text.mjs': MUTANT });
    verdict.require(!(await testsPass(folder, ...files)), 'the tests accept a wrong slugify()');
    return verdict.result;
  },
  right: {
    steps: [
      look('cat src/text.mjs test/text.test.mjs'),
      replace('src/text.mjs', 'start.toUpperCase());\n}\n', `start.toUpperCase());\n}\n${FEATURE}`),
      write('test/slugify.test.mjs', FEATURE_TEST),
      look('node --test test/'),
    ],
    answer: 'slugify() is there, with three tests.',
  },
  wrong: [
    {
      steps: [
        replace('src/text.mjs', 'start.toUpperCase());\n}\n', `start.toUpperCase());\n}\n${FEATURE}`),
        write('test/slugify.test.mjs', "import '../src/text.mjs';\n"),
      ],
      answer: 'slugify() is there, with tests.',
    },
    {
      steps: [
        replace(
          'src/text.mjs',
          'start.toUpperCase());\n}\n',
          `start.toUpperCase());\n}\n${FEATURE.replace('if (longer.length > limit) break;', '')}`,
        ),
        write('test/slugify.test.mjs', FEATURE_TEST.replace("'one-two'", "'one-two-three'")),
      ],
      answer: 'slugify() is there, with tests.',
    },
  ],
};
