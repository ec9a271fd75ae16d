import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export { writeFiles } from './write-files.js';

const run = promisify(execFile);
const WHO = [
  '-c',
  'user.name=A Person',
  '-c',
  'user.email=person@example.test',
  '-c',
  'commit.gpgsign=false',
];

/** The text of a `SKILL.md`. */
export function skillText(name: string, body: string, fields = ''): string {
  return `---\nname: ${name}\ndescription: About ${name}\n${fields}---\n${body}\n`;
}

/** Runs git in a folder, without anything that the machine configures. */
export async function runGit(folder: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  return (await run('git', [...WHO, ...args], { cwd: folder, env })).stdout.trim();
}

/** Commits all that is in a folder, on branch `main`. @returns the commit */
export async function commitAll(folder: string): Promise<string> {
  await runGit(folder, 'init', '-q', '-b', 'main');
  await runGit(folder, 'add', '-A', '-f');
  await runGit(folder, 'commit', '-q', '--allow-empty', '-m', 'what there is');
  return runGit(folder, 'rev-parse', 'HEAD');
}

/** Makes a bare copy of a repository, as a server has them. */
export async function bareCopy(folder: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await runGit(folder, 'clone', '-q', '--bare', folder, to);
}
