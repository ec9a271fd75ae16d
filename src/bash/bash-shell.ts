import path from 'node:path';
import { HttpException, HttpStatus, Logger } from '@nestjs/common';
import { errorMessage } from '../errors/index.js';
import { utcTimestamp } from '../events/clock.js';
import { shellEnvironment, SESSION_VARIABLE } from '../processes/index.js';
import { bashId, type BashCommand, type BashEvent, type BashOutput, type BashRequest } from './bash-event.js';
import type { BashHistory } from './bash-history.js';
import { BashProcess } from './bash-process.js';
import { OutputRecorder } from './output-recorder.js';
import { WholeOutput } from './whole-output.js';

/** Commands that may run in one shell at the same time. */
const MAX_RUNNING = 100;

/** How a shell runs commands. */
export interface ShellOptions {
  /** Where commands run that name no folder; absolute. */
  folder: string;
  /** What a command that names no folder says in its event. */
  shownFolder: string | null;
  /** Characters that are recorded of one command. */
  outputLimit: number;
  /** Every process carries it in `SESSION_VARIABLE`. */
  sessionId: string;
}

/**
 * Told of each event, as JSON text, once it is kept, with its number in the history; one that could not be
 * kept has none. All who listen share the bytes.
 */
export type BashListener = (line: Buffer, number: number | undefined) => void;

/** Runs the commands of clients in one place, keeps what comes of them, and tells whoever listens. */
export class BashShell {
  private readonly logger = new Logger('Bash');
  private readonly running = new Map<string, { process: BashProcess; done: Promise<unknown> }>();
  private readonly listeners = new Set<BashListener>();
  private closed = false;

  constructor(
    readonly history: BashHistory,
    private readonly options: ShellOptions,
  ) {}

  /** Whether nothing runs and nobody listens. */
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

  /** @returns how to stop listening */
  listen(listener: BashListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Starts a command; the answer does not wait for its end.
   * @param onOutput told of its outputs, the last one included
   * @throws HttpException 429, 503
   */
  async start(request: BashRequest, onOutput?: (output: BashOutput) => void): Promise<BashCommand> {
    if (this.closed) throw new HttpException('Server is shutting down', HttpStatus.SERVICE_UNAVAILABLE);
    if (this.running.size >= MAX_RUNNING) {
      throw new HttpException('Too many commands are running', HttpStatus.TOO_MANY_REQUESTS);
    }
    const command = this.commandOf(request);
    const process = new BashProcess({
      command: command.command,
      cwd: path.resolve(this.options.folder, request.cwd ?? ''),
      env: shellEnvironment({ [SESSION_VARIABLE]: this.options.sessionId }),
      timeoutSeconds: command.timeout,
    });
    const recorder = new OutputRecorder({
      stream: request.stream,
      limit: this.options.outputLimit,
      emit: async (piece) => {
        const { order, exit_code, stdout, stderr } = piece;
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
        await this.publish(output);
        onOutput?.(output);
      },
    });
    // Known before its event is kept: it can be stopped from then on.
    const kept = this.publish(command);
    const done = kept.then(() => process.run(recorder)).finally(() => this.running.delete(command.id));
    this.running.set(command.id, { process, done });
    await kept;
    return command;
  }

  /** Runs a command to its end and answers all of its output as one. */
  async execute(request: BashRequest): Promise<WholeOutput> {
    const whole = new WholeOutput();
    await new Promise<void>((resolve, reject) => {
      this.start(request, (output) => {
        whole.add(output);
        if (output.exit_code !== null) resolve();
      }).catch(reject);
    });
    return whole;
  }

  /**
   * Ends a command that runs; does nothing for one that has ended.
   * @returns false for an unknown id
   */
  async stop(commandId: string): Promise<boolean> {
    const found = this.running.get(commandId);
    if (!found) return this.history.hasCommand(commandId);
    await found.process.stop();
    return true;
  }

  /** Nothing more is started. */
  refuse(): void {
    this.closed = true;
  }

  /** Ends all commands, and closes what is open of the history. */
  async end(): Promise<void> {
    this.refuse();
    await Promise.all([...this.running.values()].map(({ process }) => process.stop()));
    await this.close();
  }

  /** Waits until all commands have ended and their events are kept. */
  async close(): Promise<void> {
    this.refuse();
    await Promise.all([...this.running.values()].map(({ done }) => done));
    await this.history.close();
  }

  private commandOf({ command, cwd, timeout }: BashRequest): BashCommand {
    return {
      command,
      cwd: cwd ?? this.options.shownFolder,
      timeout,
      id: bashId(),
      timestamp: utcTimestamp(),
      kind: 'BashCommand',
    };
  }

  /** A disk that takes nothing must not end a command: whoever waits for it still gets its output. */
  private async publish(event: BashEvent): Promise<void> {
    let number: number | undefined;
    try {
      number = await this.history.append(event);
    } catch (error) {
      this.logger.error(`${event.kind} of the bash routes is not kept: ${errorMessage(error)}`);
    }
    if (this.listeners.size === 0) return;
    const line = Buffer.from(JSON.stringify(event));
    for (const listener of this.listeners) listener(line, number);
  }
}
