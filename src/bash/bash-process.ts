import { spawn, type ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { errorCode, errorMessage } from '../errors/index.js';
import { MAX_TIMER_MS, settlesWithin, turnToStart } from '../flow/index.js';
import { hasEnded, signal } from '../processes/index.js';
import type { OutputName, OutputRecorder } from './output-recorder.js';

/** How long a command may take to end by itself when it is told to (ms); then it is killed. */
const GRACE_MS = 1_000;

/** The words of the system for what keeps commands from starting. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EACCES: 'Permission denied',
  E2BIG: 'Argument list too long',
  ENAMETOOLONG: 'File name too long',
  ELOOP: 'Too many levels of symbolic links',
};

/** A command to run. */
export interface ProcessOptions {
  command: string;
  /** Absolute path. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  timeoutSeconds: number;
}

/**
 * One command in a process group of its own. It has ended when its shell has and nobody holds its outputs
 * open any more; at its timeout the group is told to end and then killed.
 */
export class BashProcess {
  private child: ChildProcess | undefined;
  private stopped = false;
  private ended = false;
  private readonly timeout = new AbortController();

  constructor(private readonly options: ProcessOptions) {}

  /** The process id of the shell, while it runs. */
  get pid(): number | undefined {
    return this.ended ? undefined : this.child?.pid;
  }

  /** Runs it to its end. Never throws: what cannot be started is an exit code, too. */
  async run(recorder: OutputRecorder): Promise<number> {
    const { timeoutSeconds } = this.options;
    try {
      // Told to stop, or out of time, before it began.
      const exitCode = timeoutSeconds <= 0 || this.stopped ? -1 : await this.runChild(recorder);
      await recorder.finish(exitCode);
      return exitCode;
    } catch (error) {
      await recorder.finish(-1, `Error executing command: ${describe(error, this.options.cwd)}`);
      return -1;
    } finally {
      this.ended = true;
    }
  }

  /** Ends it: politely, then by force. Resolves when it has ended, or cannot be killed. */
  async stop(): Promise<void> {
    this.stopped = true;
    const { child } = this;
    if (child?.pid === undefined || this.ended) return;
    this.signalGroup(child.pid, 'SIGTERM');
    if (await settlesWithin(exited(child), GRACE_MS)) return;
    this.signalGroup(child.pid, 'SIGKILL');
    await settlesWithin(exited(child), GRACE_MS);
  }

  private async runChild(recorder: OutputRecorder): Promise<number> {
    const { command, cwd, env, timeoutSeconds } = this.options;
    // `spawn` says of a missing folder that the shell is missing.
    if (!(await stat(cwd)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    await turnToStart();
    if (this.wasStopped()) return -1;
    const child = spawn('/bin/sh', ['-c', command], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const started = new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    await started;
    const reading = Promise.all([
      read(child.stdout, 'stdout', recorder),
      read(child.stderr, 'stderr', recorder),
      exited(child),
    ]);
    const timer = setTimeout(() => this.timeout.abort(), Math.min(timeoutSeconds * 1000, MAX_TIMER_MS));
    const outOfTime = new Promise<'timeout'>((resolve) => {
      this.timeout.signal.addEventListener('abort', () => resolve('timeout'), { once: true });
    });
    const outcome = await Promise.race([reading, outOfTime]);
    clearTimeout(timer);
    if (outcome !== 'timeout') return exitCodeOf(child);
    await this.stop();
    // What is written on the way out counts; what somebody else holds open is not waited for.
    await settlesWithin(reading, GRACE_MS);
    child.stdout.destroy();
    child.stderr.destroy();
    return -1;
  }

  /** Its value may change while something is waited for. */
  private wasStopped(): boolean {
    return this.stopped;
  }

  private signalGroup(pid: number, name: NodeJS.Signals): void {
    signal(-pid, name);
  }
}

async function read(stream: Readable, name: OutputName, recorder: OutputRecorder): Promise<void> {
  stream.setEncoding('utf8');
  try {
    for await (const text of stream) await recorder.add(name, String(text));
  } catch {
    // Closed by us, or lost with the process: there is no more output.
  }
}

/** Resolves when a process has ended. */
async function exited(child: ChildProcess): Promise<void> {
  if (!hasEnded(child)) await new Promise((resolve) => child.once('exit', resolve));
}

function exitCodeOf({ exitCode, signalCode }: ChildProcess): number {
  if (exitCode !== null) return exitCode;
  return signalCode === null ? -1 : -os.constants.signals[signalCode];
}

/** In the words that clients of the original know. */
function describe(error: unknown, cwd: string): string {
  const code = errorCode(error) ?? '';
  const words = SYSTEM_WORDS[code];
  if (words === undefined) return errorMessage(error);
  const number = new Map(Object.entries(os.constants.errno)).get(code) ?? 0;
  return `[Errno ${number}] ${words}: '${code === 'E2BIG' ? '/bin/sh' : cwd}'`;
}
