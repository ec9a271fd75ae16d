import path from 'node:path';
import { Logger } from '@nestjs/common';
import { DomainError, errorMessage } from '../../errors/index.js';
import { utcTimestamp } from '../../events/index.js';
import { shellEnvironment, SESSION_VARIABLE } from '../../processes/index.js';
import {
  bashId,
  type BashCommand,
  type BashEvent,
  type BashOutput,
  type BashRequest,
  toRecord,
} from '../bash-event.js';
import { BashCommandEndedError, StorageFailedError, type BashHistory } from '../../storage/index.js';
import type { Confinement } from '../../sandbox/index.js';
import { BashProcess } from './bash-process.js';
import { OutputRecorder } from './output-recorder.js';
import { CollectedOutput } from './collected-output.js';

/** The maximum number of concurrent commands of a shell. */
const MAX_RUNNING = 100;

/** The server is shutting down. */
class ShellClosedError extends DomainError {
  override readonly name = 'ShellClosedError';
  readonly kind = 'unavailable';
  constructor() {
    super('Server is shutting down');
  }
}

/** The maximum number of commands of a shell is running. */
class TooManyCommandsError extends DomainError {
  override readonly name = 'TooManyCommandsError';
  readonly kind = 'limit-reached';
  constructor() {
    super('Too many commands are running');
  }
}

/** Options of a shell. */
interface ShellOptions {
  /** The default working directory of commands: absolute path. */
  folder: string;
  /** The default of `cwd` in events. */
  shownFolder: string | null;
  /** The maximum recorded output of a command (characters). */
  outputLimit: number;
  /** Set as `SESSION_VARIABLE` in every process. */
  sessionId: string;
  confinement: Confinement;
}

/**
 * Receives each event of the history as JSON after it was stored, by any server, with its number; undefined
 * for one of this server that could not be stored. All listeners share the buffer.
 */
type BashListener = (line: Buffer, number: number | undefined) => void;

/** Runs the commands of clients in one folder, stores their events and notifies listeners. */
export class BashShell {
  private readonly logger = new Logger('Bash');
  private readonly running = new Map<string, { process: BashProcess; done: Promise<unknown> }>();
  private readonly listeners = new Set<BashListener>();
  private closed = false;
  private unfollow: (() => void) | undefined;

  constructor(
    readonly history: BashHistory,
    private readonly options: ShellOptions,
  ) {
    history.onStopRequest((commandId) => void this.running.get(commandId)?.process.stop());
  }

  /** Whether no command is running and there are no listeners. */
  get isIdle(): boolean {
    return this.running.size === 0 && this.listeners.size === 0;
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  /** Process ids of the shells of running commands. */
  get pids(): number[] {
    return [...this.running.values()].flatMap(({ process }) => process.pid ?? []);
  }

  /** @returns a function that removes the listener */
  listen(listener: BashListener): () => void {
    this.listeners.add(listener);
    this.unfollow ??= this.history.follow((line, number) => this.tell(line, number));
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.unfollow?.();
      this.unfollow = undefined;
    };
  }

  /**
   * Starts a command without waiting for its end.
   * @param onOutput receives all outputs of the command
   * @throws ShellClosedError, TooManyCommandsError; StorageFailedError if no server would learn of it
   */
  async start(request: BashRequest, onOutput?: (output: BashOutput) => void): Promise<BashCommand> {
    if (this.closed) throw new ShellClosedError();
    if (this.running.size >= MAX_RUNNING) throw new TooManyCommandsError();
    const command = this.toCommand(request);
    const process = new BashProcess({
      command: command.command,
      cwd: path.resolve(this.options.folder, request.cwd ?? ''),
      env: shellEnvironment({ [SESSION_VARIABLE]: this.options.sessionId }),
      timeoutSeconds: command.timeout,
      confinement: this.options.confinement,
    });
    const recorder = new OutputRecorder({
      stream: request.stream,
      limit: this.options.outputLimit,
      emit: async (chunk) => {
        const { order, exit_code, stdout, stderr } = chunk;
        const output: BashOutput = {
          id: bashId(),
          timestamp: utcTimestamp(),
          command_id: command.id,
          order,
          exit_code,
          stdout,
          stderr,
          kind: 'BashOutput',
        };
        if (!(await this.publish(output))) void process.stop();
        onOutput?.(output);
      },
    });
    // Registered before its event is stored, so that it can be stopped from then on.
    const stored = this.publish(command);
    const done = stored
      .then(
        () => process.run(recorder),
        () => undefined,
      )
      .finally(() => this.running.delete(command.id));
    this.running.set(command.id, { process, done });
    await stored;
    return command;
  }

  /** Runs a command to its end and collects its output. */
  async execute(request: BashRequest): Promise<CollectedOutput> {
    const whole = new CollectedOutput();
    await new Promise<void>((resolve, reject) => {
      this.start(request, (output) => {
        whole.add(output);
        if (output.exit_code !== null) resolve();
      }).catch(reject);
    });
    return whole;
  }

  /**
   * Ends a running command. Does nothing if it has already ended.
   * @returns false if the id is unknown
   */
  async stop(commandId: string): Promise<boolean> {
    const found = this.running.get(commandId);
    if (!found) return this.history.stopElsewhere(commandId);
    await found.process.stop();
    return true;
  }

  /** Rejects all further commands. */
  rejectNew(): void {
    this.closed = true;
  }

  /** Ends all commands and closes the history. */
  async end(): Promise<void> {
    this.rejectNew();
    await Promise.all([...this.running.values()].map(({ process }) => process.stop()));
    await this.close();
  }

  /** Waits until all commands have ended and their events are stored. */
  async close(): Promise<void> {
    this.rejectNew();
    await Promise.all([...this.running.values()].map(({ done }) => done));
    await this.history.close();
  }

  private toCommand({ command, cwd, timeout }: BashRequest): BashCommand {
    return {
      command,
      cwd: cwd ?? this.options.shownFolder,
      timeout,
      id: bashId(),
      timestamp: utcTimestamp(),
      kind: 'BashCommand',
    };
  }

  /**
   * A storage error does not end the command: listeners still receive its output.
   * @returns false if the end of the command is recorded already
   * @throws StorageFailedError for a command that would run without a record
   */
  private async publish(event: BashEvent): Promise<boolean> {
    const record = toRecord(event);
    try {
      await this.history.append(record);
    } catch (error) {
      this.logger.error(`${event.kind} of the bash routes cannot be stored: ${errorMessage(error)}`);
      if (error instanceof BashCommandEndedError) return false;
      if (error instanceof StorageFailedError && event.kind === 'BashCommand') throw error;
      if (this.listeners.size > 0) this.tell(Buffer.from(record.line), undefined);
    }
    return true;
  }

  private tell(line: Buffer, number: number | undefined): void {
    for (const listener of this.listeners) listener(line, number);
  }
}
