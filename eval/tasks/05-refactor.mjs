import { evaluate, Verdict } from '../support/checks.mjs';
import { look, run, write } from '../support/solution.mjs';
import { makeRepository, readText } from '../support/workspace.mjs';

const body = (kind, rate) => `export function ${kind}Total(lines) {
  let sum = 0;
  for (const line of lines) {
    if (!Number.isFinite(line.price) || line.price < 0) throw new RangeError(\`bad price: \${line.price}\`);
    sum += line.price * (line.count ?? 1);
  }
  return Math.round(sum * ${rate} * 100) / 100;
}
`;
const SOURCE = [body('book', 1.07), body('toy', 1.19), body('export', 1)].join('\n');
const REFACTORED = `export const bookTotal = (lines) => total(lines, 1.07);
export const toyTotal = (lines) => total(lines, 1.19);
export const exportTotal = (lines) => total(lines, 1);

function total(lines, rate) {
  let sum = 0;
  for (const line of lines) {
    if (!Number.isFinite(line.price) || line.price < 0) throw new RangeError(\`bad price: \${line.price}\`);
    sum += line.price * (line.count ?? 1);
  }
  return Math.round(sum * rate * 100) / 100;
}
`;
const CASES = `
import * as totals from './src/totals.mjs';
const inputs = [[], [{ price: 10 }], [{ price: 1.15, count: 3 }, { price: 2 }], [{ price: 5, count: 0 }], [{ price: -1 }],
  [{ price: '3' }], [{ price: NaN }]];
const outcome = (action) => { try { return action(); } catch (error) { return error.name + ': ' + error.message; } };
console.log(JSON.stringify([Object.keys(totals), ...['bookTotal', 'toyTotal', 'exportTotal'].map((name) =>
  inputs.map((input) => outcome(() => totals[name](input))))]));
`;
const ERRORS = ['RangeError: bad price: -1', 'RangeError: bad price: 3', 'RangeError: bad price: NaN'];

export const task = {
  title: 'Refactor without a change of behaviour',
  prompt:
    'The three functions of src/totals.mjs are copies of each other. Refactor the file so that what they share is ' +
    'written once. What the module exports, what the functions return and which errors they throw must not change.',
  prepare: (folder) => makeRepository(folder, { 'src/totals.mjs': SOURCE }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    const expected = [
      ['bookTotal', 'exportTotal', 'toyTotal'],
      [0, 10.7, 5.83, 0, ...ERRORS],
      [0, 11.9, 6.49, 0, ...ERRORS],
      [0, 10, 5.45, 0, ...ERRORS],
    ];
    verdict.equal(await evaluate(folder, CASES), expected, 'what the module does');
    const text = (await readText(folder, 'src/totals.mjs')) ?? '';
    verdict.require(text.split('bad price').length <= 2, 'the check of prices is still there more than once');
    verdict.require(text.split('Math.round').length <= 2, 'the rounding is still there more than once');
    verdict.onlyChanged({ folder, before }, ['src/']);
    return verdict.result;
  },
  right: {
    steps: [look('cat src/totals.mjs'), run('rm src/totals.mjs'), write('src/totals.mjs', REFACTORED)],
    answer: 'The three functions share one.',
  },
  wrong: [
    {
      steps: [run('rm src/totals.mjs'), write('src/totals.mjs', REFACTORED.replace('?? 1', '|| 1'))],
      answer: 'The three functions share one.',
    },
    { steps: [look('cat src/totals.mjs')], answer: 'The file is well structured already.' },
  ],
};
