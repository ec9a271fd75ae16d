import { spawn, type ChildProcess } from 'node:child_process';
import { errorMessage } from '../../errors/index.js';
import { shellEnvironment, killGroup } from '../../processes/index.js';
import type { Confinement } from '../../sandbox/index.js';

/** Characters kept of each output; the rest is read and discarded. */
const MAX_OUTPUT = 50_000;
/** How long outputs may stay open after the command ended (ms): a background process may hold them. */
const DRAIN_MS = 200;

/** The command of a hook. */
interface HookCommand {
  command: string;
  /** Absolute path. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Standard input. */
  stdin: string;
  timeoutSeconds: number;
  confinement: Confinement;
}

/** The result of a command. */
interface CommandResult {
  /** -1: killed or not started. */
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Why there is no exit code. */
  error?: string;
}

/**
 * Runs a command with `sh -c` in its own process group. The whole group is killed when the command ends,
 * times out or is aborted, so nothing that a hook started outlives it. A command that cannot be started is a
 * result, too.
 * @throws the reason of the signal once it is aborted
 */
export async function runCommand(
  { command, cwd, env, stdin, timeoutSeconds, confinement }: HookCommand,
  signal: AbortSignal,
): Promise<CommandResult> {
  signal.throwIfAborted();
  const start = confinement.program({ file: 'sh', args: ['-c', command], cwd, env: shellEnvironment(env) });
  const child = spawn(start.file, start.args, {
    cwd: start.cwd,
    env: start.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout = new OutputHead(child.stdout);
  const stderr = new OutputHead(child.stderr);
  // Most commands do not read their input: ignore a closed pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const timeout = AbortSignal.timeout(Math.max(0, timeoutSeconds) * 1_000);
  const kill = (): void => killGroup(child, 'SIGKILL');
  const stop = AbortSignal.any([signal, timeout]);
  stop.addEventListener('abort', kill, { once: true });
  try {
    const exitCode = await waitForExit(child);
    signal.throwIfAborted();
    if (timeout.aborted) {
      return {
        exitCode: -1,
        stdout: '',
        stderr: '',
        error: `Hook timed out after ${timeoutSeconds} seconds`,
      };
    }
    return { exitCode, stdout: stdout.text, stderr: stderr.text };
  } catch (error) {
    signal.throwIfAborted();
    return { exitCode: -1, stdout: '', stderr: '', error: errorMessage(error) };
  } finally {
    stop.removeEventListener('abort', kill);
    killGroup(child, 'SIGKILL');
  }
}

/** Resolves with the exit code once the outputs are read; 137 for a process that was killed by a signal. */
function waitForExit(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code: number | null) => resolve(code ?? 137));
    child.once('exit', () => {
      const drained = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, DRAIN_MS);
      child.once('close', () => clearTimeout(drained));
    });
  });
}

/** The first characters of an output. */
class OutputHead {
  text = '';

  constructor(stream: NodeJS.ReadableStream) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      if (this.text.length < MAX_OUTPUT) this.text += chunk.slice(0, MAX_OUTPUT - this.text.length);
    });
  }
}
