import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Verdict } from '../support/checks.mjs';
import { runConfined } from '../support/program.mjs';
import { look, run, write } from '../support/solution.mjs';
import { makeRepository, readText, writeFiles } from '../support/workspace.mjs';

const SCRIPT = `#!/bin/bash
# Prints the names of all .txt files below a folder with their number of lines, sorted by name:
# NAME<tab>LINES
for file in $(find $1 -name '*.txt'); do
  echo -e "\${file#$1/}\\t$(wc -l < $file)"
done | sort
`;
const MENDED = `#!/bin/bash
# Prints the names of all .txt files below a folder with their number of lines, sorted by name:
# NAME<tab>LINES
find "$1" -type f -name '*.txt' -print0 | while IFS= read -r -d '' file; do
  printf '%s\\t%s\\n' "\${file#"$1"/}" "$(wc -l < "$file")"
done | sort
`;
const PLACE = 'hidden place';
const HIDDEN = {
  'über uns.txt': 'a\n',
  '日本語 メモ.txt': 'a\nb\n',
  'two  blanks.txt': 'a\nb\nc\n',
  'back\\nslash.txt': '',
  'star *.txt': 'a\n',
  'in a folder/naïve (1).txt': 'a\nb\n',
};

export const task = {
  title: 'Find and mend a bug (shell); file names with blanks and beyond ASCII',
  prompt:
    './lines.sh FOLDER fails or prints nonsense for some names of files and folders. It has to work for all names ' +
    'without line breaks, in the format that its comment describes. Mend it. docs/ has examples.',
  prepare: (folder) =>
    makeRepository(folder, {
      'lines.sh': SCRIPT,
      'docs/plain.txt': 'one\n',
      'docs/Grüße aus Köln.txt': 'one\ntwo\n',
    }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    // In a folder with a blank, made after the agent has ended.
    await rm(path.join(folder, PLACE), { recursive: true, force: true });
    await writeFiles(path.join(folder, PLACE), HIDDEN);
    const { stdout } = await runConfined(folder, 'bash', ['./lines.sh', PLACE]);
    await rm(path.join(folder, PLACE), { recursive: true });
    const lines = stdout.split('\n').filter(Boolean).sort();
    const expected = Object.entries(HIDDEN)
      .map(([name, text]) => `${name}\t${text.split('\n').length - 1}`)
      .sort();
    verdict.equal(lines, expected, 'what it prints');
    verdict.require((await readText(folder, 'lines.sh')) !== SCRIPT, 'lines.sh has not changed');
    verdict.onlyChanged({ folder, before }, ['lines.sh']);
    return verdict.result;
  },
  right: {
    steps: [look('cat lines.sh'), run('rm lines.sh'), write('lines.sh', MENDED), run('chmod +x lines.sh')],
    answer: 'All expansions are quoted, and names are read without splitting.',
  },
  wrong: [
    {
      steps: [run(`sed -i 's/< \\$file/< "$file"/; s/find \\$1/find "$1"/' lines.sh`)],
      answer: 'I have quoted the variables.',
    },
    {
      steps: [
        run('rm lines.sh'),
        write('lines.sh', MENDED),
        run('chmod +x lines.sh'),
        run('mv "docs/Grüße aus Köln.txt" docs/gruesse.txt'),
      ],
      answer: 'Mended, and the example has a simpler name now.',
    },
  ],
};
