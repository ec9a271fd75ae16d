import { spawn } from 'node:child_process';
import path from 'node:path';
import { childEnvironment } from '../../processes/index.js';

/** A search that could not be done; the message is for the model. */
export class SearchError extends Error {
  override readonly name = 'SearchError';
}

/** How long a search may take (ms); the original's limit. */
const TIMEOUT_MS = 30_000;
/** More of what ripgrep complains about is not kept (characters). */
const MAX_COMPLAINT = 2000;

/** Newest first; no settings of the user; nothing about files that may not be read. */
const ALWAYS = ['--null', '--sortr=modified', '--no-config', '--no-messages', '--color=never'];

/** What is searched, and for what. */
export interface Search {
  /** Absolute path of the folder. */
  folder: string;
  /** Arguments of ripgrep that make it list files. */
  args: readonly string[];
  /** Whether a file counts, by its path below the folder. */
  accepts: (file: string) => boolean;
  /** Files beyond these are not listed. */
  limit: number;
  signal: AbortSignal;
}

/**
 * Lists files below a folder by ripgrep, newest first, by their absolute paths. What `.gitignore` names and
 * hidden files are left out, as ripgrep does. Ends the search as soon as one more than `limit` was found.
 * @throws SearchError when ripgrep is not there, takes too long, or does not understand its arguments; the
 *   reason of the signal once it is aborted
 */
export async function searchFiles(search: Search): Promise<{ files: string[]; truncated: boolean }> {
  const program = await ripgrepPath();
  search.signal.throwIfAborted();
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const child = spawn(program, [...ALWAYS, ...search.args, './'], {
    cwd: search.folder,
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([search.signal, deadline]),
    killSignal: 'SIGKILL',
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < MAX_COMPLAINT) complaint += text;
  });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  // Awaited below; an abort in between is no unhandled rejection.
  ended.catch(() => undefined);
  const files: string[] = [];
  try {
    for await (const file of names(child.stdout.setEncoding('utf8'))) {
      if (!search.accepts(file)) continue;
      if (files.length === search.limit) return { files, truncated: true };
      files.push(path.join(search.folder, file));
    }
    const code = await ended;
    // 2 also when a file could not be read; only a mistake in the arguments makes it say something.
    if (code === 2 && complaint !== '') throw new SearchError(explain(complaint));
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

function explain(complaint: string): string {
  const text = complaint.slice(0, MAX_COMPLAINT).trim();
  return /regex|PCRE2/i.test(text) ? `Invalid regex pattern: ${text}` : text;
}

/** The names in ripgrep's output: each ends with a NUL and begins with `./`. */
async function* names(output: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of output) {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) yield part.replace(/^\.\//, '');
  }
}

async function ripgrepPath(): Promise<string> {
  try {
    // Its import fails where there is no ripgrep for the system.
    const { rgPath } = await import('@vscode/ripgrep');
    return rgPath;
  } catch {
    throw new SearchError(
      `There is no ripgrep for ${process.platform}-${process.arch} in this installation.`,
    );
  }
}
