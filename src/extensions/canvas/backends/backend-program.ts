import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { errorMessage } from '../../../errors/index.js';
import { isInside } from '../../../files/index.js';
import { settlesWithin } from '../../../flow/index.js';
import { hasEnded, killGroup, endSessionProcesses, SESSION_VARIABLE } from '../../../processes/index.js';
import type { BackendLog } from './backend-log.js';

/** How long it may take to end when it is told to (ms). */
const GRACE_MS = 5_000;
/** How long its outputs may stay open behind its end (ms). */
const DRAIN_MS = 300;

/** What is to run. */
export interface Program {
  /** The program and its arguments. */
  command: readonly string[];
  /** The program has to lie in it (absolute path). */
  artifact: string;
  /** Where it runs (absolute path). */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Marks all processes of it, so that those are found that have left its group. */
  mark: string;
}

/** It cannot be run at all. */
export class UnrunnableError extends Error {
  override readonly name = 'UnrunnableError';
}

/** The process of a back end, in a group of its own that ends with it. */
export class BackendProgram {
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
    { command, artifact, cwd, env, mark }: Program,
    log: BackendLog,
  ): Promise<BackendProgram> {
    const [named = '', ...args] = command;
    const file = await executable(named, artifact);
    try {
      const child = spawn(file, args, {
        cwd,
        env: { ...env, [SESSION_VARIABLE]: mark },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await once(child, 'spawn');
      return new BackendProgram(child, mark, log);
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

  /** How it ended; the number of the signal below zero. */
  get exitCode(): number {
    const { exitCode, signalCode } = this.child;
    if (exitCode !== null) return exitCode;
    return signalCode === null ? 0 : -os.constants.signals[signalCode];
  }

  /** Tells of its end. */
  onEnd(listener: () => void): void {
    if (hasEnded(this.child)) listener();
    else this.child.once('exit', listener);
  }

  /** Ends it and all that it has started: by asking, then by force. Resolves when nothing of it is left. */
  async end(): Promise<void> {
    const exit = hasEnded(this.child) ? Promise.resolve() : once(this.child, 'exit');
    killGroup(this.child, 'SIGTERM');
    await settlesWithin(exit, GRACE_MS);
    killGroup(this.child, 'SIGKILL');
    await exit;
    await endSessionProcesses(this.mark, []);
    await this.outputsRead();
  }

  /** Its last words count; what somebody else holds open is not waited for. */
  async outputsRead(): Promise<void> {
    await settlesWithin(this.drained, DRAIN_MS);
  }
}

async function executable(named: string, artifact: string): Promise<string> {
  try {
    const [file, root] = await Promise.all([realpath(named), realpath(artifact)]);
    if (isInside(root, file) && (await stat(file)).isFile()) {
      await access(file, constants.X_OK);
      return file;
    }
  } catch {
    // Not there, or not for us: for who wants to run it, it is the same.
  }
  throw new UnrunnableError(
    'backend executable must be an executable regular file inside the prepared artifact',
  );
}
