import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { childEnvironment, killGroup } from '../processes/index.js';
import { Slots, turnToStart } from '../flow/index.js';
import { GitCommandError } from './git-errors.js';
import { maskRemotes } from '../text/index.js';

/** Longest command (ms). */
const TIMEOUT_MS = 60_000;
/** Most that a command may print (bytes). */
const MAX_OUTPUT = 32 * 1024 * 1024;
/** Commands that run at the same time; the others wait. */
const MAX_PROCESSES = 6;
const ABORTED = 'Git command was aborted';

/** Variables of a git command; undefined: not set. */
export type GitEnvironment = Readonly<Record<string, string | undefined>>;

/** How a git command is run. */
export interface GitRunOptions {
  /** Absolute. */
  cwd: string;
  env: GitEnvironment;
  /** Where its output goes instead of into memory. */
  out?: FileHandle;
  timeoutMs?: number;
  /** Kills it. */
  signal?: AbortSignal;
}

/** So much of what git complains of is kept (characters). */
const MAX_COMPLAINT = 16 * 1024;
const MAX_REASON = 500;

const slots = new Slots(MAX_PROCESSES);

/**
 * Runs git with nothing of the server's environment and nobody to ask; output and time are bounded.
 * @returns what it printed
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
  { cwd, env, out, timeoutMs = TIMEOUT_MS, signal }: GitRunOptions,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (args.some((word) => word.includes('\0'))) return reject(new GitCommandError(args));
    const child = spawn('git', ['--no-pager', ...args], {
      cwd,
      env: childEnvironment(defined(env)),
      detached: true,
      stdio: ['ignore', out?.fd ?? 'pipe', 'pipe'],
    });
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
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      if (complaint.length < MAX_COMPLAINT) complaint += chunk.toString();
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
      else reject(new GitCommandError(args, undefined, firstReason(complaint)));
    });
  });
}

function defined(env: GitEnvironment): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

/** The line that says why, without its mark and without passwords. */
function firstReason(complaint: string): string {
  const lines = complaint.split('\n');
  const line = lines.find((text) => /^(fatal|error):/.test(text)) ?? lines[0] ?? '';
  return maskRemotes(line.replace(/^(fatal|error): /, '').slice(0, MAX_REASON));
}
