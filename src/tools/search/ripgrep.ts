import { spawn } from 'node:child_process';
import path from 'node:path';
import { childEnvironment } from '../../processes/index.js';
import type { Confinement } from '../../sandbox/index.js';

/** A search failed. The message is for the model. */
export class SearchError extends Error {
  override readonly name = 'SearchError';
}

/** Time limit of a search (ms), the same as the original's. */
const TIMEOUT_MS = 30_000;
/** The maximum length of ripgrep's error output (characters). */
const MAX_ERROR_OUTPUT = 2000;

/** Newest first, without the user's configuration, silent about unreadable files. */
const COMMON_ARGUMENTS = ['--null', '--sortr=modified', '--no-config', '--no-messages', '--color=never'];

/** A search in a folder. */
interface Search {
  /** Absolute path of the folder. */
  folder: string;
  /** Arguments that make ripgrep list files. */
  args: readonly string[];
  /** Filters files by their path relative to the folder. */
  accepts: (file: string) => boolean;
  /** The maximum number of files. */
  limit: number;
  /** Ripgrep sees the files that other programs of the conversation see. */
  confinement: Confinement | undefined;
  signal: AbortSignal;
}

/**
 * Lists files in a folder with ripgrep: absolute paths, newest first, without hidden files and those that
 * `.gitignore` excludes. Stops once more than `limit` files are found.
 * @throws SearchError if ripgrep is missing, takes too long, or rejects its arguments; the signal's reason
 *   once
 *   it is aborted
 */
export async function searchFiles(search: Search): Promise<{ files: string[]; truncated: boolean }> {
  const program = await ripgrepPath();
  search.signal.throwIfAborted();
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const wanted = {
    file: program,
    args: [...COMMON_ARGUMENTS, ...search.args, './'],
    cwd: search.folder,
    env: childEnvironment(),
    own: [{ path: path.dirname(program), writable: false }],
  };
  const { file: started, args, cwd, env } = search.confinement?.program(wanted) ?? wanted;
  const child = spawn(started, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([search.signal, deadline]),
    killSignal: 'SIGKILL',
  });
  let errorOutput = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (errorOutput.length < MAX_ERROR_OUTPUT) errorOutput += text;
  });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  // Awaited below. An abort before that must not be an unhandled rejection.
  ended.catch(() => undefined);
  const files: string[] = [];
  try {
    for await (const file of fileNames(child.stdout.setEncoding('utf8'))) {
      if (!search.accepts(file)) continue;
      if (files.length === search.limit) return { files, truncated: true };
      files.push(path.join(search.folder, file));
    }
    const code = await ended;
    // The exit code is also 2 if a file was unreadable, but only invalid arguments produce error output.
    if (code === 2 && errorOutput !== '') throw new SearchError(errorText(errorOutput));
    return { files, truncated: false };
  } catch (error) {
    search.signal.throwIfAborted();
    if (deadline.aborted) {
      throw new SearchError(`Search timed out after ${TIMEOUT_MS / 1000} seconds. Please narrow it down.`);
    }
    throw error;
  } finally {
    child.kill('SIGKILL');
  }
}

function errorText(errorOutput: string): string {
  const text = errorOutput.slice(0, MAX_ERROR_OUTPUT).trim();
  return /regex|PCRE2/i.test(text) ? `Invalid regex pattern: ${text}` : text;
}

/** The file fileNames in ripgrep's output: each begins with `./` and ends with NUL. */
async function* fileNames(output: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of output) {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) yield part.replace(/^\.\//, '');
  }
}

/** The program. @throws SearchError if there is none for this platform */
export async function ripgrepPath(): Promise<string> {
  try {
    // The import fails if the package has no ripgrep for this platform.
    const { rgPath } = await import('@vscode/ripgrep');
    return rgPath;
  } catch {
    throw new SearchError(
      `There is no ripgrep for ${process.platform}-${process.arch} in this installation.`,
    );
  }
}
