import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errorCode, errorMessage } from '../../errors/index.js';
import { turnToStart } from '../../flow/index.js';
import { childEnvironment } from '../../tools/child-environment.js';

const run = promisify(execFile);

/** Longest git command (ms): a checkout of a large repository takes its time. */
const TIMEOUT_MS = 120_000;

/** A repository must not make the server run its programs. */
const SAFE = [
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'protocol.ext.allow=never',
];

/** A git command failed; the message is the first line that git said. */
export class GitError extends Error {
  override readonly name = 'GitError';
  constructor(
    message: string,
    /** The folder is in no repository. */
    readonly noRepository: boolean,
  ) {
    super(message);
  }
}

/**
 * Runs git in a folder, with nothing of the server's environment, no hooks and no questions asked.
 * @returns what it printed, without white space around it
 * @throws GitError
 */
export async function git(folder: string, args: readonly string[]): Promise<string> {
  await turnToStart();
  try {
    const { stdout } = await run('git', [...SAFE, ...args], {
      cwd: folder,
      timeout: TIMEOUT_MS,
      env: childEnvironment({ GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }),
    });
    return stdout.trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw new GitError('git is not installed', false);
    const said = stderrOf(error) ?? errorMessage(error);
    const line = said.split('\n').find((text) => /^(fatal|error):/.test(text)) ?? said.split('\n')[0] ?? '';
    throw new GitError(line.replace(/^(fatal|error): /, ''), said.includes('not a git repository'));
  }
}

function stderrOf(error: unknown): string | undefined {
  const stderr: unknown =
    typeof error === 'object' && error !== null && 'stderr' in error ? error.stderr : undefined;
  return typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : undefined;
}
