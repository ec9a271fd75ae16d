import { spawn, type ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import os from 'node:os';
import { Readable } from 'node:stream';
import { errorCode, errorMessage } from '../../errors/index.js';
import { MAX_TIMER_MS, settlesWithin, turnToStart } from '../../flow/index.js';
import { hasEnded, signalGroup } from '../../processes/index.js';
import type { Confinement } from '../../sandbox/index.js';
import type { OutputName, OutputRecorder } from './output-recorder.js';

/** How long a command may take to end after SIGTERM before it is killed (ms). */
const GRACE_MS = 1_000;
/** How long the messages of a sandbox that has failed may take (ms). */
const MESSAGES_MS = 100;

/**
 * Runs a command with the outputs 3 and 4. Bubblewrap itself keeps the usual ones open as long as there are
 * processes of the command, which would look as if they were used.
 */
const WITH_OWN_OUTPUTS = 'exec /bin/sh -c "$1" >&3 2>&4 3>&- 4>&-';

/** The system's messages for errors that prevent commands from starting. */
const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EACCES: 'Permission denied',
  E2BIG: 'Argument list too long',
  ENAMETOOLONG: 'File name too long',
  ELOOP: 'Too many levels of symbolic links',
};

/** A command to run. */
interface ProcessOptions {
  command: string;
  /** Absolute path. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  timeoutSeconds: number;
  confinement: Confinement;
}

/**
 * A command in its own process group. It has ended when its shell has exited and its outputs are closed. On
 * timeout, the process group gets SIGTERM and then SIGKILL.
 */
export class BashProcess {
  private child: ChildProcess | undefined;
  private stopped = false;
  /** The last signal that its group was sent. */
  private sent: NodeJS.Signals | undefined;
  private ended = false;
  private readonly timeout = new AbortController();

  constructor(private readonly options: ProcessOptions) {}

  /** The process id of the shell while it is running. */
  get pid(): number | undefined {
    return this.ended ? undefined : this.child?.pid;
  }

  /** Runs the command to its end. Never rejects: a command that cannot be started has the exit code -1. */
  async run(recorder: OutputRecorder): Promise<number> {
    const { timeoutSeconds } = this.options;
    try {
      // Stopped, or timed out, before the start.
      const exitCode = timeoutSeconds <= 0 || this.stopped ? -1 : await this.runChild(recorder);
      await recorder.finish(exitCode);
      return exitCode;
    } catch (error) {
      await recorder.finish(-1, `Error executing command: ${startErrorText(error, this.options.cwd)}`);
      return -1;
    } finally {
      this.ended = true;
    }
  }

  /** Ends the command: SIGTERM, then SIGKILL. Resolves when it has ended or cannot be killed. */
  async stop(): Promise<void> {
    this.stopped = true;
    const { child } = this;
    if (child?.pid === undefined || this.ended) return;
    this.signalAll(child.pid, 'SIGTERM');
    if (await settlesWithin(exited(child), GRACE_MS)) return;
    this.signalAll(child.pid, 'SIGKILL');
    await settlesWithin(exited(child), GRACE_MS);
  }

  private async runChild(recorder: OutputRecorder): Promise<number> {
    const { command, cwd, env, timeoutSeconds, confinement } = this.options;
    // For a missing folder, `spawn` would report that the shell is missing.
    if (!(await stat(cwd)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    await turnToStart();
    if (this.wasStopped()) return -1;
    const isConfined = confinement.mode !== 'off';
    const args = isConfined ? ['-c', WITH_OWN_OUTPUTS, 'sh', command] : ['-c', command];
    const start = confinement.program({ file: '/bin/sh', args, cwd, env });
    const child = spawn(start.file, start.args, {
      cwd: start.cwd,
      env: start.env,
      detached: true,
      stdio: isConfined ? ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const [stdout, stderr] = isConfined ? [child.stdio[3], child.stdio[4]] : [child.stdout, child.stderr];
    // Only messages of bubblewrap, which keeps it open for daemons that the command leaves.
    const messages = isConfined ? read(child.stderr, 'stderr', recorder) : Promise.resolve();
    const started = new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    await started;
    const outputs = Promise.all([
      read(stdout, 'stdout', recorder),
      read(stderr, 'stderr', recorder),
      exited(child),
    ]);
    const timer = setTimeout(() => this.timeout.abort(), Math.min(timeoutSeconds * 1000, MAX_TIMER_MS));
    const timedOut = new Promise<'timeout'>((resolve) => {
      this.timeout.signal.addEventListener('abort', () => resolve('timeout'), { once: true });
    });
    const outcome = await Promise.race([outputs, timedOut]);
    clearTimeout(timer);
    if (outcome !== 'timeout') {
      if (isConfined && child.exitCode !== 0) await settlesWithin(messages, MESSAGES_MS);
      child.stderr?.destroy();
      return exitCodeOf(child, this.sent);
    }
    await this.stop();
    // Reads the remaining output, but does not wait for other processes that keep it open.
    await settlesWithin(outputs, GRACE_MS);
    for (const stream of child.stdio) stream?.destroy();
    return -1;
  }

  private signalAll(pid: number, name: NodeJS.Signals): void {
    this.sent = name;
    signalGroup(pid, name);
  }

  /** A method, because the compiler does not know that the value changes during an `await`. */
  private wasStopped(): boolean {
    return this.stopped;
  }
}

async function read(stream: unknown, name: OutputName, recorder: OutputRecorder): Promise<void> {
  if (!(stream instanceof Readable)) return;
  stream.setEncoding('utf8');
  try {
    for await (const text of stream) await recorder.add(name, String(text));
  } catch {
    // The stream was destroyed: there is no more output.
  }
}

/** Resolves when a process has exited. */
async function exited(child: ChildProcess): Promise<void> {
  if (!hasEnded(child)) await new Promise((resolve) => child.once('exit', resolve));
}

/** @param sent a signal that it was sent: a sandbox reports the end by it as 128 and its number */
function exitCodeOf({ exitCode, signalCode }: ChildProcess, sent: NodeJS.Signals | undefined): number {
  const ofSent = sent === undefined ? undefined : os.constants.signals[sent];
  if (ofSent !== undefined && exitCode === 128 + ofSent) return -ofSent;
  if (exitCode !== null) return exitCode;
  return signalCode === null ? -1 : -os.constants.signals[signalCode];
}

/** Words errors as the original does. */
function startErrorText(error: unknown, cwd: string): string {
  const code = errorCode(error) ?? '';
  const message = SYSTEM_MESSAGES[code];
  if (message === undefined) return errorMessage(error);
  const number = new Map(Object.entries(os.constants.errno)).get(code) ?? 0;
  return `[Errno ${number}] ${message}: '${code === 'E2BIG' ? '/bin/sh' : cwd}'`;
}
