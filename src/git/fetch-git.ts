import { spawn } from 'node:child_process';
import { Slots } from '../flow/index.js';
import { maskRemotes } from '../text/index.js';
import { childEnvironment, killGroup } from '../processes/index.js';
import { GitFetchError, GitFetchTimeoutError } from './git-errors.js';

/** The longest that a fetch may take (ms). */
export const FETCH_TIMEOUT_MS = 120_000;
/** Most that a command may print (bytes). */
const MAX_OUTPUT = 16 * 1024 * 1024;
const MAX_COMPLAINT = 16 * 1024;
/** The largest file that git may write, the pack of a whole repository included (blocks of 512 bytes). */
const MAX_FILE_BLOCKS = 1024 * 1024;
/** Commands that run at the same time; the others wait. */
const AT_ONCE = 4;

/** Runs nothing that the person did not choose, whatever the repository says. */
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
/** Without what the person has configured: helpers that know passwords, other addresses for hosts. */
const NO_CONFIGURATION = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };

/** How git is run. */
export interface FetchOptions {
  /** Absolute. */
  cwd: string;
  /** Moment (of `performance.now()`) at which it is ended. */
  deadline: number;
  /** With the configuration of the person: their addresses and passwords. */
  withUserConfig: boolean;
}

const slots = new Slots(AT_ONCE);

/**
 * Runs git on a repository that nobody vouches for: no hooks, no filters, nobody to ask, bounded in time and
 * size.
 * @returns what it printed
 * @throws GitFetchError with what git complained of, free of passwords
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
      env: childEnvironment({ ...ENVIRONMENT, ...(withUserConfig ? {} : NO_CONFIGURATION) }),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let failure: GitFetchError | undefined;
    const end = (why: GitFetchError): void => {
      failure ??= why;
      killGroup(child, 'SIGKILL');
    };
    const left = Math.max(0, deadline - performance.now());
    const timer = setTimeout(() => end(new GitFetchTimeoutError('git took too long')), left);
    const output: Buffer[] = [];
    let complaint = '';
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) end(new GitFetchError('the repository has too many files'));
      else output.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < MAX_COMPLAINT) complaint += chunk.toString();
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new GitFetchError(`git cannot be run: ${error.message}`));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      if (failure) reject(failure);
      else if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(new GitFetchError(reasonIn(complaint)));
    });
  });
}

function reasonIn(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => /^(fatal|error|remote):/.test(line));
  const reason = (lines.length > 0 ? lines.join('\n') : complaint.trim()) || 'git failed';
  return maskRemotes(reason).slice(0, 1000);
}
