import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { errorCode, errorMessage } from '../errors/index.js';
import { settlesWithin } from '../flow/index.js';
import {
  shellEnvironment,
  endGroup,
  hasEnded,
  killGroup,
  endSessionProcesses,
  SESSION_VARIABLE,
} from '../processes/index.js';
import { AcpError } from './acp-error.js';

/** A program that speaks the Agent Client Protocol on its standard input and output. */
export interface AgentProgram {
  /** The program and its arguments. */
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Absolute path. */
  cwd: string;
  /** Marks all processes of the agent, so that they are found after a crash of the server. */
  mark: string;
}

/** What the program said last to people is told with its end (characters). */
const MAX_LAST_WORDS = 1_000;
/** How long its end may take to be known once its output has ended (ms). */
const END_LIMIT_MS = 1_000;

/**
 * An agent that runs as a program, in a process group of its own: package runners start the real one as their
 * child, and all of them are to end with it.
 */
export class AgentProcess {
  private lastWords = '';

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly mark: string,
    onStderr: (text: string) => void,
  ) {
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      this.lastWords = `${this.lastWords}${text}`.slice(-MAX_LAST_WORDS);
      onStderr(text);
    });
    // What is written to a program that has ended fails where it is written.
    child.stdin.on('error', () => undefined);
    child.on('error', () => undefined);
    child.once('exit', () => killGroup(child, 'SIGKILL'));
  }

  /**
   * Starts it. What an earlier one with the same mark has left behind ends before.
   * @param onStderr gets what the program says to people, piece by piece
   * @throws AcpError
   */
  static async start(program: AgentProgram, onStderr: (text: string) => void): Promise<AgentProcess> {
    const [command, ...args] = program.command;
    if (command === undefined || command === '')
      throw new AcpError('ACPInitError', 'acp_command names no program');
    await endSessionProcesses(program.mark, []);
    try {
      const child = spawn(command, args, {
        cwd: program.cwd,
        env: shellEnvironment({ ...program.env, [SESSION_VARIABLE]: program.mark }),
        detached: true,
        stdio: 'pipe',
      });
      await once(child, 'spawn');
      return new AgentProcess(child, program.mark, onStderr);
    } catch (error) {
      throw new AcpError('ACPSpawnError', spawnFailure(command, error));
    }
  }

  get input(): ChildProcessWithoutNullStreams['stdin'] {
    return this.child.stdin;
  }

  get output(): ChildProcessWithoutNullStreams['stdout'] {
    return this.child.stdout;
  }

  /** Tells of its end. */
  onEnd(listener: () => void): void {
    if (hasEnded(this.child)) listener();
    else this.child.once('exit', listener);
  }

  /** How it ended and what it said last: `exit code 3: no key`. Waits a moment for its end. */
  async describeEnd(): Promise<string> {
    if (!hasEnded(this.child)) {
      const limit = new AbortController();
      await settlesWithin(once(this.child, 'close', { signal: limit.signal }), END_LIMIT_MS);
      limit.abort();
    }
    const { exitCode, signalCode } = this.child;
    const how = signalCode ?? (exitCode === null ? 'its output has ended' : `exit code ${exitCode}`);
    const words = this.lastWords.trim();
    return words === '' ? how : `${how}: ${words}`;
  }

  /** Ends it and all that it has started. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    await endGroup(this.child);
    await endSessionProcesses(this.mark, []);
  }
}

function spawnFailure(command: string, error: unknown): string {
  // The text that clients know.
  if (errorCode(error) === 'ENOENT') return `[Errno 2] No such file or directory: '${command}'`;
  return errorMessage(error);
}
