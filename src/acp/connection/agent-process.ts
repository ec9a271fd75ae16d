import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { errorCode, errorMessage } from '../../errors/index.js';
import { settlesWithin } from '../../flow/index.js';
import {
  shellEnvironment,
  endGroup,
  hasEnded,
  killGroup,
  endSessionProcesses,
  SESSION_VARIABLE,
  onExit,
} from '../../processes/index.js';
import type { Confinement, ShownFolder } from '../../sandbox/index.js';
import { AcpError } from '../acp-error.js';

/** The program of an ACP agent, which uses its standard input and output. */
export interface AgentProgram {
  /** Program and arguments. */
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Absolute path. */
  cwd: string;
  /** Marks all processes of the agent, so that they can be found after a crash of the server. */
  mark: string;
  confinement: Confinement;
  /** Folders that it is given besides those of its conversation. */
  own?: readonly ShownFolder[];
}

/** Characters of standard error reported when the program ended. */
const MAX_STDERR_TAIL = 1_000;
/** Time for the exit to be reported after the output ended (ms). */
const EXIT_TIMEOUT_MS = 1_000;

/**
 * The process of an agent, in its own process group: package runners start the agent as a child, and all of
 * them must end together.
 */
export class AgentProcess {
  private stderrTail = '';

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly mark: string,
    onStderr: (text: string) => void,
  ) {
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      this.stderrTail = `${this.stderrTail}${text}`.slice(-MAX_STDERR_TAIL);
      onStderr(text);
    });
    // Errors are reported by the write itself.
    child.stdin.on('error', () => undefined);
    child.on('error', () => undefined);
    child.once('exit', () => killGroup(child, 'SIGKILL'));
  }

  /**
   * Starts the program. Processes of an earlier start with the same mark are killed first.
   * @param onStderr receives standard error in chunks
   * @throws AcpError
   */
  static async start(program: AgentProgram, onStderr: (text: string) => void): Promise<AgentProcess> {
    const [command, ...args] = program.command;
    if (command === undefined || command === '') throw new AcpError('ACPInitError', 'acp_command is empty');
    await endSessionProcesses(program.mark, []);
    try {
      const { cwd, mark, confinement, own } = program;
      const env = shellEnvironment({ ...program.env, [SESSION_VARIABLE]: mark });
      const start = confinement.program({ file: command, args, cwd, env, ...(own && { own }) });
      const child = spawn(start.file, start.args, {
        cwd: start.cwd,
        env: start.env,
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

  /** Calls the listener when the process ends. */
  onExit(listener: () => void): void {
    onExit(this.child, listener);
  }

  /** Describes exit code and last output: `exit code 3: no key`. Waits briefly for the exit. */
  async describeExit(): Promise<string> {
    if (!hasEnded(this.child)) {
      const limit = new AbortController();
      await settlesWithin(once(this.child, 'close', { signal: limit.signal }), EXIT_TIMEOUT_MS);
      limit.abort();
    }
    const { exitCode, signalCode } = this.child;
    const how = signalCode ?? (exitCode === null ? 'its output has ended' : `exit code ${exitCode}`);
    const output = this.stderrTail.trim();
    return output === '' ? how : `${how}: ${output}`;
  }

  /** Kills the process group and all marked processes. Resolves when none is left. */
  async close(): Promise<void> {
    await endGroup(this.child);
    await endSessionProcesses(this.mark, []);
  }
}

function spawnFailure(command: string, error: unknown): string {
  // The original's text.
  if (errorCode(error) === 'ENOENT') return `[Errno 2] No such file or directory: '${command}'`;
  return errorMessage(error);
}
