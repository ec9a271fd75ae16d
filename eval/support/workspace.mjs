import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, lstat, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runConfined, runProgram } from './program.mjs';

/** What running programs leaves behind, which is no change of a repository. */
const IGNORED = new Set(['.git', '__pycache__', '.pytest_cache', 'node_modules']);
const MAX_FILES = 50_000;
const MAX_FILE_BYTES = 16 * 2 ** 20;
const MAX_BYTES = 2 ** 30;

/** Writes files by their paths. Those whose text begins with `#!` become executable. */
export async function writeFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    if (text.startsWith('#!')) await chmod(file, 0o755);
  }
}

/**
 * Writes files during a check. The agent may have made links: nothing is written outside the folder.
 * @throws if a file would be
 */
export async function overwriteFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    const parent = path.dirname(file);
    const isInside = async () => `${await realpath(parent)}/`.startsWith(`${await realpath(folder)}/`);
    if (!(await isInside())) throw new Error(`${JSON.stringify(name)} is outside the workspace`);
    await rm(file, { force: true });
    await writeFile(file, text, { flag: 'wx' });
  }
}

/** Runs trusted commands in a folder. @throws with their output if one fails */
export async function setUp(folder, script) {
  const { code, stderr } = await runProgram(folder, 'bash', ['-e', '-c', script]);
  if (code !== 0) throw new Error(`setting up a task failed: ${stderr}`);
}

/** Makes a repository with these files in one commit. */
export async function makeRepository(folder, files, subject = 'Start') {
  await writeFiles(folder, files);
  await setUp(folder, `${INIT}\ngit add -A\ngit commit -qm '${subject}'`);
}

/** The beginning of each repository: agents can commit in it. */
export const INIT = `git init -q -b main
printf '[user]\\n\\tname = Eval\\n\\temail = eval@example.com\\n' >> .git/config`;

/** Runs git. @returns its output without the white space around it; undefined if it failed */
export async function git(folder, ...args) {
  const { code, stdout } = await runConfined(folder, 'git', args);
  return code === 0 ? stdout.trim() : undefined;
}

/**
 * What a check compares with: all files but those of git, as text that changes with them. Without promises,
 * which take several times as long for thousands of small files.
 */
export function takeSnapshot(folder) {
  const files = new Map();
  visit(folder, '', files, { left: MAX_BYTES });
  return files;
}

function visit(folder, below, files, bytes) {
  for (const entry of readdirSync(path.join(folder, below), { withFileTypes: true })) {
    if (IGNORED.has(entry.name)) continue;
    if (files.size > MAX_FILES) throw new Error(`there are more than ${MAX_FILES} files`);
    const inside = path.join(below, entry.name);
    if (entry.isDirectory()) visit(folder, inside, files, bytes);
    else files.set(inside, describe(path.join(folder, inside), bytes));
  }
}

function describe(file, bytes) {
  const stats = lstatSync(file);
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(file)}`;
  if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return `special ${stats.mode} ${stats.size}`;
  bytes.left -= stats.size;
  if (bytes.left < 0) throw new Error(`there are more than ${MAX_BYTES / 2 ** 20} MiB`);
  const mode = stats.mode & 0o100 ? 'executable' : 'plain';
  return `${mode} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
}

/** The paths that were added, changed or removed since a snapshot, sorted. */
export function changesSince(before, folder) {
  const after = takeSnapshot(folder);
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((name) => before.get(name) !== after.get(name)).sort();
}

/** The text of a regular file below the folder; undefined if there is none. */
export async function readText(folder, name) {
  const file = path.join(folder, name);
  const stats = await lstat(file).catch(() => undefined);
  if (!stats?.isFile() || stats.size > MAX_FILE_BYTES) return undefined;
  return readFile(file, 'utf8');
}
