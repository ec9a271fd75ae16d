import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export { writeFiles } from './write-files.js';

const run = promisify(execFile);
const IDENTITY = [
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

/** Runs git in a folder, without the configuration of the machine. */
export async function runGit(folder: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  return (await run('git', [...IDENTITY, ...args], { cwd: folder, env })).stdout.trim();
}

/** Commits all files of a folder on branch `main`. @returns the id of the commit */
export async function commitAll(folder: string): Promise<string> {
  await runGit(folder, 'init', '-q', '-b', 'main');
  await runGit(folder, 'add', '-A', '-f');
  await runGit(folder, 'commit', '-q', '--allow-empty', '-m', 'all files');
  return runGit(folder, 'rev-parse', 'HEAD');
}

/** Makes a bare copy of a repository, as git servers have them. */
export async function bareCopy(folder: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await runGit(folder, 'clone', '-q', '--bare', folder, to);
}
