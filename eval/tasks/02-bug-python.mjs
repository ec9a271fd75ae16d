import { evaluatePython, Verdict } from '../support/checks.mjs';
import { look, replace } from '../support/solution.mjs';
import { changesSince, makeRepository } from '../support/workspace.mjs';

const SOURCE = `"""Bookings of rooms, as (start, end) pairs of hours."""


def merge(bookings, known=[]):
    """Joins bookings that overlap or touch. The result is sorted; the arguments stay as they are."""
    known.extend(bookings)
    known.sort()
    merged = []
    for start, end in known:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
`;

const CASES = `
import json
from rooms import merge
own = [(5, 6), (1, 9), (2, 3)]
known = [(8, 10)]
print(json.dumps([
    merge([(1, 2), (4, 5)]), merge([(1, 2), (4, 5)]), merge([(9, 10)]), merge(own), own,
    merge([(1, 2), (2, 4)]), merge([(7, 8)], known), known, merge([]),
]))
`;

export const task = {
  title: 'Find and mend bugs (Python)',
  prompt:
    'merge() in rooms.py sometimes returns bookings that nobody passed to it, and sometimes loses the end of a long ' +
    'booking. Mend it so that it does what its documentation says. Its name and parameters stay usable as they are.',
  needs: ['python3'],
  prepare: (folder) => makeRepository(folder, { 'rooms.py': SOURCE, 'README.md': '# Rooms\n' }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    const expected = [
      ...[
        [
          [1, 2],
          [4, 5],
        ],
        [
          [1, 2],
          [4, 5],
        ],
        [[9, 10]],
        [[1, 9]],
        [
          [5, 6],
          [1, 9],
          [2, 3],
        ],
      ],
      ...[[[1, 4]], [[7, 10]], [[8, 10]], []],
    ];
    verdict.equal(await evaluatePython(folder, CASES), expected, 'what merge() returns and leaves');
    verdict.require(!changesSince(before, folder).includes('README.md'), 'README.md has changed');
    return verdict.result;
  },
  right: {
    steps: [
      look('cat rooms.py'),
      replace('rooms.py', 'known=[]', 'known=()'),
      replace('rooms.py', '    known.extend(bookings)\n    known.sort()\n', ''),
      replace('rooms.py', 'in known:', 'in sorted([*known, *bookings]):'),
      replace('rooms.py', '(merged[-1][0], end)', '(merged[-1][0], max(end, merged[-1][1]))'),
    ],
    answer:
      'The default list was shared by all calls, and a short booking inside a long one cut its end off.',
  },
  wrong: [
    {
      steps: [replace('rooms.py', '(merged[-1][0], end)', '(merged[-1][0], max(end, merged[-1][1]))')],
      answer: 'Long bookings keep their end now.',
    },
  ],
};
