import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from './checkout.js';

/** A fenced block of a document. */
export interface Block {
  /** `bash`, `text`, `json`, ... */
  language: string;
  text: string;
}

/** The fenced blocks of a section, in their order. @param heading as written, with its marks: `## Start` */
export async function blocksOf(file: string, heading: string): Promise<Block[]> {
  const lines = (await readFile(path.join(ROOT, file), 'utf8')).split('\n');
  const level = heading.indexOf(' ');
  const blocks: Block[] = [];
  let inSection = false;
  let open: Block | undefined;
  for (const line of lines) {
    const fence = /^```(\w*)$/.exec(line);
    const title = open ? null : /^(#+) /.exec(line)?.[1];
    if (title && inSection && title.length <= level) break;
    if (line === heading && !open) inSection = true;
    if (fence && open) open = undefined;
    else if (fence) {
      open = { language: fence[1] ?? '', text: '' };
      if (inSection) blocks.push(open);
    } else if (open) open.text += `${line}\n`;
  }
  if (!inSection) throw new Error(`${file} has no section "${heading}"`);
  return blocks;
}

/** How a reader's shell differs from that of the document. */
export interface ReaderShell {
  cwd: string;
  env: Record<string, string>;
  /** What the reader writes in place of what the document says. */
  instead: Record<string, string>;
}

/**
 * Runs the commands of a document in one shell, as a reader does who pastes them.
 * @returns the output of each block
 * @throws Error when a command fails
 */
export async function follow(blocks: readonly Block[], shell: ReaderShell): Promise<string[]> {
  const script = blocks
    .map(({ text }) => `${replaceAll(text, shell.instead)}\necho; echo "${BREAK}"\n`)
    .join('');
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: shell.cwd,
    env: { PATH: process.env['PATH'], HOME: shell.cwd, ...shell.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`a command failed (${code}):\n${output}`);
  return output.split(`${BREAK}\n`).slice(0, -1);
}

const BREAK = '=== next block ===';

function replaceAll(text: string, instead: Record<string, string>): string {
  return Object.entries(instead).reduce((result, [from, to]) => result.replaceAll(from, to), text);
}
