import { spawn, type ChildProcess } from 'node:child_process';
import { errorMessage } from '../../errors/index.js';
import { shellEnvironment, killGroup } from '../../processes/index.js';

/** What is kept of each of its outputs, in characters; the rest is read and dropped. */
const KEPT = 50_000;
/**
 * How long outputs may stay open behind the end of the command (ms): something in the background may hold
 * them.
 */
const DRAIN_MS = 200;

/** A command to run for a hook. */
export interface HookCommand {
  command: string;
  /** Absolute path. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** What it reads. */
  stdin: string;
  timeoutSeconds: number;
}

/** How a command ended. */
export interface CommandResult {
  /** -1: it was killed or could not be started. */
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Why there is no exit code. */
  error?: string;
}

/**
 * Runs a command by `sh -c` in a process group of its own. When it ends, takes too long or is aborted the
 * whole group is killed: nothing that a hook started outlives it. A command that cannot be started is a
 * result, too.
 * @throws the reason of the signal once it is aborted
 */
export async function runCommand(
  { command, cwd, env, stdin, timeoutSeconds }: HookCommand,
  signal: AbortSignal,
): Promise<CommandResult> {
  signal.throwIfAborted();
  const child = spawn('sh', ['-c', command], {
    cwd,
    env: shellEnvironment(env),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout = new KeptText(child.stdout);
  const stderr = new KeptText(child.stderr);
  // Most commands do not read it: a closed pipe is no failure.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const timeout = AbortSignal.timeout(Math.max(0, timeoutSeconds) * 1_000);
  const killed = (): void => killGroup(child, 'SIGKILL');
  const stop = AbortSignal.any([signal, timeout]);
  stop.addEventListener('abort', killed, { once: true });
  try {
    const exitCode = await ended(child);
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
    stop.removeEventListener('abort', killed);
    killGroup(child, 'SIGKILL');
  }
}

/**
 * The exit code once its outputs are read; what was killed by a signal has the number that a shell gives it.
 */
function ended(child: ChildProcess): Promise<number> {
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

/** The beginning of an output. */
class KeptText {
  text = '';

  constructor(stream: NodeJS.ReadableStream) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      if (this.text.length < KEPT) this.text += chunk.slice(0, KEPT - this.text.length);
    });
  }
}
