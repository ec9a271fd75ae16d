import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { errorMessage } from '../../../../errors/index.js';
import { isInside } from '../../../../files/index.js';
import { settlesWithin } from '../../../../flow/index.js';
import {
  hasEnded,
  killGroup,
  endSessionProcesses,
  SESSION_VARIABLE,
  onExit,
} from '../../../../processes/index.js';
import type { BackendLog } from './backend-log.js';

/** Time to exit after SIGTERM (ms). */
const GRACE_MS = 5_000;
/** How long outputs may stay open after the exit (ms). */
const DRAIN_MS = 300;

/** How to start a process. */
export interface ProcessOptions {
  /** Program and arguments. */
  command: readonly string[];
  /** The program must be inside this folder (absolute path). */
  artifact: string;
  /** Working directory (absolute path). */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Marks all its processes, so that those that left its group are found. */
  mark: string;
}

/** The program cannot be started. */
export class UnrunnableError extends Error {
  override readonly name = 'UnrunnableError';
}

/** The process of a back end, in its own process group, which ends with it. */
export class BackendProcess {
  private readonly drained: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcessByStdio<null, Readable, Readable>,
    readonly mark: string,
    log: BackendLog,
  ) {
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (chunk: Buffer) => log.add(stream, chunk));
      child[stream].on('close', () => log.end(stream));
      child[stream].on('error', () => undefined);
    }
    child.on('error', () => undefined);
    this.drained = once(child, 'close');
    child.once('exit', () => killGroup(child, 'SIGKILL'));
  }

  /** @throws UnrunnableError */
  static async start(
    { command, artifact, cwd, env, mark }: ProcessOptions,
    log: BackendLog,
  ): Promise<BackendProcess> {
    const [named = '', ...args] = command;
    const file = await resolveExecutable(named, artifact);
    try {
      const child = spawn(file, args, {
        cwd,
        env: { ...env, [SESSION_VARIABLE]: mark },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await once(child, 'spawn');
      return new BackendProcess(child, mark, log);
    } catch (error) {
      throw new UnrunnableError(`backend could not be started: ${errorMessage(error)}`);
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isRunning(): boolean {
    return !hasEnded(this.child);
  }

  /** The exit code; for a signal its negative number. */
  get exitCode(): number {
    const { exitCode, signalCode } = this.child;
    if (exitCode !== null) return exitCode;
    return signalCode === null ? 0 : -os.constants.signals[signalCode];
  }

  /** Calls the listener when the process exits. */
  onExit(listener: () => void): void {
    onExit(this.child, listener);
  }

  /** Stops the process and all its children: SIGTERM, then SIGKILL. Resolves when none is left. */
  async stop(): Promise<void> {
    const exit = hasEnded(this.child) ? Promise.resolve() : once(this.child, 'exit');
    killGroup(this.child, 'SIGTERM');
    await settlesWithin(exit, GRACE_MS);
    killGroup(this.child, 'SIGKILL');
    await exit;
    await endSessionProcesses(this.mark, []);
    await this.outputsRead();
  }

  /** Resolves when the outputs are read, unless another process holds them open. */
  async outputsRead(): Promise<void> {
    await settlesWithin(this.drained, DRAIN_MS);
  }
}

async function resolveExecutable(named: string, artifact: string): Promise<string> {
  try {
    const [file, root] = await Promise.all([realpath(named), realpath(artifact)]);
    if (isInside(root, file) && (await stat(file)).isFile()) {
      await access(file, constants.X_OK);
      return file;
    }
  } catch {
    // Missing or not accessible: the same error for both.
  }
  throw new UnrunnableError(
    'backend executable must be an executable regular file inside the prepared artifact',
  );
}
