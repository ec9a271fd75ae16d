import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { childEnvironment, killGroup } from '../../processes/index.js';
import { Slots, turnToStart } from '../../flow/index.js';
import { GitCommandError } from '../git-errors.js';
import type { Confinement, ShownFolder } from '../../sandbox/index.js';
import { maskRemotes } from '../../text/index.js';

/** Time limit of a command (ms). */
const TIMEOUT_MS = 60_000;
/** Maximum output of a command (bytes). */
const MAX_OUTPUT = 32 * 1024 * 1024;
/** Maximum number of concurrent commands. */
const MAX_PROCESSES = 6;
const ABORTED = 'Git command was aborted';

/** Variables of a git command; undefined removes a variable. */
export type GitEnvironment = Readonly<Record<string, string | undefined>>;

/** Options of a git command. */
export interface GitRunOptions {
  /** Absolute. */
  cwd: string;
  env: GitEnvironment;
  /** Receives the output instead of memory. */
  out?: FileHandle;
  /** What it reads; undefined: nothing. */
  input?: string;
  timeoutMs?: number;
  /** Kills it. */
  signal?: AbortSignal;
  /** What it is confined to; undefined: it runs outside of the sandbox. */
  confinement?: Confinement;
  /** Folders of the server that it needs in there. */
  own?: readonly ShownFolder[];
}

/** Maximum length of the error output that is kept (characters). */
const MAX_STDERR = 16 * 1024;
const MAX_REASON = 500;

const slots = new Slots(MAX_PROCESSES);

/**
 * Runs git without the server's environment and without prompts, with bounded output and time.
 * @returns the output
 * @throws GitCommandError
 */
export function runGit(args: readonly string[], options: GitRunOptions): Promise<Buffer> {
  return slots.run(async () => {
    await turnToStart();
    if (options.signal?.aborted) throw new GitCommandError(args, ABORTED);
    return run(args, options);
  });
}

function run(
  args: readonly string[],
  { cwd, env, out, input, timeoutMs = TIMEOUT_MS, signal, confinement, own }: GitRunOptions,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (args.some((word) => word.includes('\0'))) return reject(new GitCommandError(args));
    const git = { file: 'git', args: ['--no-pager', ...args], cwd, env: childEnvironment(defined(env)), own };
    const start = confinement?.program(git) ?? git;
    const child = spawn(start.file, start.args, {
      cwd: start.cwd,
      env: start.env,
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', out?.fd ?? 'pipe', 'pipe'],
    });
    // It may end without reading everything.
    child.stdin?.on('error', () => undefined).end(input);
    let failure: GitCommandError | undefined;
    const kill = (why: string): void => {
      failure ??= new GitCommandError(args, why);
      killGroup(child, 'SIGKILL');
    };
    const abort = (): void => kill(ABORTED);
    const timer = setTimeout(() => kill('Git command timed out'), timeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    const release = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      if (stderr.length < MAX_STDERR) stderr += chunk.toString();
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) kill('Git command printed too much');
      else chunks.push(chunk);
    });
    child.once('error', () => {
      release();
      reject(new GitCommandError(args, 'Git command not found. Is git installed?'));
    });
    child.once('close', (code) => {
      release();
      if (failure) reject(failure);
      else if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new GitCommandError(args, undefined, firstErrorLine(stderr)));
    });
  });
}

function defined(env: GitEnvironment): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

/** The line with the reason, without its prefix and without passwords. */
function firstErrorLine(stderr: string): string {
  const lines = stderr.split('\n');
  const line = lines.find((text) => /^(fatal|error):/.test(text)) ?? lines[0] ?? '';
  return maskRemotes(line.replace(/^(fatal|error): /, '').slice(0, MAX_REASON));
}
