import { spawn } from 'node:child_process';
import { Slots } from '../../flow/index.js';
import { maskRemotes } from '../../text/index.js';
import { childEnvironment, killGroup } from '../../processes/index.js';
import { GitFetchError, GitFetchTimeoutError } from '../git-errors.js';

/** Time limit of a fetch (ms). */
export const FETCH_TIMEOUT_MS = 120_000;
/** Maximum output of a command (bytes). */
const MAX_OUTPUT = 16 * 1024 * 1024;
const MAX_STDERR = 16 * 1024;
/** Maximum size of a file that git writes, including the pack of a whole repository (blocks of 512 bytes). */
const MAX_FILE_BLOCKS = 1024 * 1024;
/** Maximum number of concurrent commands. */
const MAX_PROCESSES = 4;

/** Prevents the repository from choosing programs to run. */
const SETTINGS: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.protectHFS': 'true',
  'core.protectNTFS': 'true',
  'protocol.ext.allow': 'never',
  'fetch.recurseSubmodules': 'false',
  'filter.lfs.smudge': '',
  'filter.lfs.process': '',
  'filter.lfs.required': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
};
const ENVIRONMENT = {
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'true',
  SSH_ASKPASS: 'true',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_LFS_SKIP_SMUDGE: '1',
  LC_ALL: 'C',
};
/** Ignores the user's configuration: credential helpers, rewritten addresses. */
const NO_USER_CONFIG = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };

/** Options of a fetch command. */
interface FetchOptions {
  /** Absolute. */
  cwd: string;
  /** Time limit, in terms of `performance.now()`. */
  deadline: number;
  /** Uses the user's configuration, with rewritten addresses and credentials. */
  withUserConfig: boolean;
}

const slots = new Slots(MAX_PROCESSES);

/**
 * Runs git on an untrusted remote repository: no hooks, no filters, no prompts, bounded time and size.
 * @returns the output
 * @throws GitFetchError with git's error message, without passwords
 */
export function fetchGit(args: readonly string[], options: FetchOptions): Promise<string> {
  return slots.run(() => run(args, options));
}

function run(args: readonly string[], { cwd, deadline, withUserConfig }: FetchOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const limited = `ulimit -f ${MAX_FILE_BLOCKS} 2>/dev/null; exec git "$@"`;
    const child = spawn('/bin/sh', ['-c', limited, 'git', '--no-pager', ...settings, ...args], {
      cwd,
      env: childEnvironment({ ...ENVIRONMENT, ...(withUserConfig ? {} : NO_USER_CONFIG) }),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let failure: GitFetchError | undefined;
    const kill = (why: GitFetchError): void => {
      failure ??= why;
      killGroup(child, 'SIGKILL');
    };
    const left = Math.max(0, deadline - performance.now());
    const timer = setTimeout(() => kill(new GitFetchTimeoutError('git took too long')), left);
    const output: Buffer[] = [];
    let stderr = '';
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) kill(new GitFetchError('the repository has too many files'));
      else output.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < MAX_STDERR) stderr += chunk.toString();
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new GitFetchError(`git cannot be run: ${error.message}`));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      if (failure) reject(failure);
      else if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(new GitFetchError(reasonIn(stderr)));
    });
  });
}

function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => /^(fatal|error|remote):/.test(line));
  const reason = (lines.length > 0 ? lines.join('\n') : stderr.trim()) || 'git failed';
  return maskRemotes(reason).slice(0, 1000);
}
