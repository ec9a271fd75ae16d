import { evaluate, testsPass, Verdict } from '../support/checks.mjs';
import { look, replace } from '../support/solution.mjs';
import { makeRepository, readText } from '../support/workspace.mjs';

const SOURCE = `/** Splits items into pages. Pages are numbered from 1. */
export function page(items, number, size) {
  const start = (number - 1) * size;
  return items.slice(start, start + size - 1);
}

/** How many pages there are. */
export function pageCount(items, size) {
  return Math.floor(items.length / size);
}
`;
const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from '../src/pages.mjs';

test('the first page begins with the first item', () => {
  assert.equal(page(['a', 'b', 'c'], 1, 2)[0], 'a');
});
`;

export const task = {
  title: 'Find and mend a bug (JavaScript)',
  prompt:
    'Users report that each page of our list lacks its last item, and that the last, shorter page cannot be reached ' +
    'at all. Find the cause in this repository and mend it. Do not change the tests that are there.',
  prepare: (folder) => makeRepository(folder, { 'src/pages.mjs': SOURCE, 'test/pages.test.mjs': TEST }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    const values = await evaluate(
      folder,
      `import { page, pageCount } from './src/pages.mjs';
       const items = ['a', 'b', 'c', 'd', 'e'];
       console.log(JSON.stringify([page(items, 1, 2), page(items, 2, 2), page(items, 3, 2), page(items, 4, 2),
         pageCount(items, 2), pageCount(items, 5), pageCount([], 5), pageCount(items, 10)]));`,
    );
    verdict.equal(values, [['a', 'b'], ['c', 'd'], ['e'], [], 3, 1, 0, 1], 'what pages contain');
    verdict.require(await testsPass(folder, 'test/pages.test.mjs'), 'the tests fail');
    verdict.equal(await readText(folder, 'test/pages.test.mjs'), TEST, 'the old test');
    verdict.onlyChanged({ folder, before }, ['src/pages.mjs', 'test/']);
    return verdict.result;
  },
  right: {
    steps: [
      look('cat src/pages.mjs'),
      replace('src/pages.mjs', 'start + size - 1', 'start + size'),
      replace('src/pages.mjs', 'Math.floor', 'Math.ceil'),
      look('node --test test/pages.test.mjs'),
    ],
    answer: 'The end of a page was one too small, and the number of pages was rounded down.',
  },
  wrong: [
    {
      steps: [replace('src/pages.mjs', 'start + size - 1', 'start + size')],
      answer: 'Mended.',
    },
  ],
};
