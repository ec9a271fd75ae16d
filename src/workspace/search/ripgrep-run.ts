import { spawn } from 'node:child_process';
import path from 'node:path';
import { childEnvironment, hasEnded, killGroup } from '../../processes/index.js';
import type { Confinement } from '../../sandbox/index.js';
import { ripgrepPath } from '../../tools/index.js';

/** Its configuration file is not read, links are not followed, and files are read, not mapped. */
const COMMON = [
  ...['--no-config', '--no-messages', '--color=never', '--no-mmap', '--threads=2'],
  // The same files with and without a repository, whoever the server runs as.
  ...['--no-require-git', '--no-ignore-global'],
];
/**
 * Never searched nor listed: what git keeps for itself, and files that hold passwords. Patterns that only
 * leave out do not bring ignored files back.
 */
const NEVER = ['.git', '.git-credentials', '.netrc', '_netrc'].map((name) => `--iglob=!${name}`);
const MAX_ERROR_CHARACTERS = 2_000;

/** A search with ripgrep. */
interface RipgrepStart {
  args: readonly string[];
  /** Real path of the folder that is searched. */
  folder: string;
  /** Ripgrep sees what other programs of the conversation see. */
  confinement: Confinement;
  /** Ends it. */
  signal: AbortSignal;
}

/** Which files a search looks at. */
export interface FileChoice {
  /** Names that begin with a dot. */
  hidden: boolean;
  /** Files that `.gitignore` and the like leave out. */
  ignored: boolean;
}

/** Arguments for the files that a search looks at. */
export function choiceArguments({ hidden, ignored }: FileChoice): string[] {
  return [...NEVER, ...(hidden ? ['--hidden'] : []), ...(ignored ? ['--no-ignore'] : [])];
}

/** A run of ripgrep. The process ends with the signal, or when `end` is called. */
export interface RipgrepRun {
  output: AsyncIterable<Buffer>;
  /** What it printed as an error, after its end; empty for none. */
  ended: Promise<{ code: number | null; error: string }>;
  end: () => void;
}

/**
 * Starts ripgrep in a folder.
 * @throws SearchError if there is none for this platform; SandboxError
 */
export async function startRipgrep({ args, folder, confinement, signal }: RipgrepStart): Promise<RipgrepRun> {
  const program = await ripgrepPath();
  signal.throwIfAborted();
  const start = confinement.program({
    file: program,
    args: [...COMMON, ...args],
    cwd: folder,
    env: childEnvironment(),
    own: [{ path: path.dirname(program), writable: false }],
  });
  const child = spawn(start.file, start.args, {
    cwd: start.cwd,
    env: start.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let error = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (error.length < MAX_ERROR_CHARACTERS) error += text.slice(0, MAX_ERROR_CHARACTERS);
  });
  const end = (): void => {
    if (!hasEnded(child)) killGroup(child, 'SIGKILL');
    child.stdout.destroy();
  };
  signal.addEventListener('abort', end, { once: true });
  const ended = new Promise<{ code: number | null; error: string }>((resolve) => {
    child.once('error', ({ message }) => resolve({ code: null, error: message }));
    child.once('close', (code) => resolve({ code, error: error.trim() }));
  }).finally(() => signal.removeEventListener('abort', end));
  return { output: untilDestroyed(child.stdout), ended, end };
}

/** The chunks of an output. That it was destroyed is its end, not an error. */
async function* untilDestroyed(output: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of output) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
  } catch (error) {
    if (!isPrematureClose(error)) throw error;
  }
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
