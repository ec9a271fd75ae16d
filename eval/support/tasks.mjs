import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

const FOLDER = new URL('../tasks/', import.meta.url);

/**
 * All tasks in the order of their files. `version` changes with the task, so that results of different tasks
 * are never taken for the same.
 */
export async function loadTasks() {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.mjs')).sort();
  const tasks = [];
  // One after another: jest cannot import modules that share others at the same time.
  for (const file of files) {
    const url = new URL(file, FOLDER);
    const { task } = await import(url.href);
    const version = createHash('sha256')
      .update(await readFile(url))
      .digest('hex')
      .slice(0, 12);
    tasks.push({ ...task, name: file.replace(/^\d+-|\.mjs$/g, ''), version });
  }
  return tasks;
}

/** Programs that a task needs beside `node`, `bash` and `git`, and that do not run here. */
export function missingPrograms({ needs = [] }) {
  return needs.filter((program) => spawnSync(program, ['--version']).status !== 0);
}

/** The scripted solutions of a task: which there are, and whether its check has to accept them. */
export function solutionsOf({ right, wrong }) {
  return [
    { name: 'right', solution: right, accepted: true },
    ...wrong.map((solution, index) => ({ name: `wrong ${index + 1}`, solution, accepted: false })),
  ];
}
