import { Buffer } from 'node:buffer';

import type { IPty } from '@lydell/node-pty';

import { settlesWithin, turnToStart } from '../../flow/index.js';
import { OutputBuffer } from './output-buffer.js';
import { commandInput, MarkerScanner, promptCommand, restoreInput } from './prompt-protocol.js';
import type { Marker, ShellPrompt } from './prompt-protocol.js';
import { readRemainder } from './pty-remainder.js';
import { foregroundGroup, signal } from '../../processes/index.js';

/**
 * Wide enough that programs do not wrap their lines; the size that clients know from the reference server.
 */
const COLUMNS = 256;
const ROWS = 200;
/** A shell that shows no prompt by then never will. */
const START_TIMEOUT_MS = 10_000;
/** How long bash may take to end after a hang-up before it is killed. */
const HANGUP_GRACE_MS = 200;
/** What SIGKILL does not end by then hangs in the kernel; waiting on would hang us, too. */
const KILL_GRACE_MS = 2000;
const CTRL_C = '\x03';
/** Each loss means another Ctrl-C at the wrong moment. */
const MAX_RESENDS = 5;

/** How a shell is started. */
export interface ShellOptions {
  /** Goes into the markers and names the session in its processes' environment. */
  id: string;
  /** Path or name of a bash of version 4.4 or later. */
  shellPath: string;
  workingDir: string;
  environment: Readonly<Record<string, string>>;
}

/** What a shell tells its session. */
export interface ShellListener {
  /** Output of the running command. */
  onOutput(bytes: Buffer): void;
  /** The running command has ended and the next can be sent. */
  onReady(prompt: ShellPrompt): void;
  /** The shell is gone, and its terminal with it. */
  onExit(exitCode: number): void;
}

/** The shell could not be started: the reason is for people. */
export class ShellStartError extends Error {
  override readonly name = 'ShellStartError';
}

/** One bash on one pseudo-terminal, from its start to its exit. It knows one command at a time. */
export class Shell {
  /** Output of the command, as far as nobody has taken it. */
  readonly output = new OutputBuffer();
  private readonly scanner: MarkerScanner;
  private readonly exited: Promise<void>;
  private state: 'starting' | 'ready' | 'sent' | 'running' | 'restoring' | 'ended' = 'starting';
  private sequence = 0;
  private command = '';
  private resends = 0;
  /** Exit code that the prompt marker of a restored shell cannot carry. */
  private restoredExitCode?: number;
  private lastPrompt: ShellPrompt | undefined;

  private constructor(
    private readonly pty: IPty,
    private readonly options: ShellOptions,
    private readonly listener: ShellListener,
  ) {
    this.scanner = new MarkerScanner(
      options.id,
      (bytes) => this.receiveOutput(bytes),
      (marker) => this.receiveMarker(marker),
    );
    // Raw bytes: the terminal delivers buffers when it is opened without an encoding, whatever its types say.
    pty.onData((data: string | Buffer) =>
      this.scanner.push(typeof data === 'string' ? Buffer.from(data) : data),
    );
    readRemainder(pty, (bytes) => this.scanner.push(bytes));
    this.exited = new Promise((resolve) => {
      pty.onExit(({ exitCode }) => {
        this.state = 'ended';
        resolve();
        listener.onExit(exitCode);
      });
    });
  }

  /**
   * Starts bash and waits for its first prompt.
   * @throws ShellStartError when there is no such shell, or it is no bash that we can work with
   */
  static async start(options: ShellOptions, listener: ShellListener): Promise<Shell> {
    const { spawn } = await import('@lydell/node-pty');
    await turnToStart();
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        clearTimeout(timer);
        reject(new ShellStartError(`Cannot start the shell ${options.shellPath}: ${reason}`));
      };
      let settled = false;
      const pty = spawn(options.shellPath, ['--noprofile', '--norc', '--noediting', '+o', 'history', '-i'], {
        name: 'xterm-256color',
        cols: COLUMNS,
        rows: ROWS,
        cwd: options.workingDir,
        // No history file: what the agent types is not the person's history.
        env: { ...options.environment, HISTFILE: '', PROMPT_COMMAND: promptCommand(options.id) },
        encoding: null,
      });
      const shell = new Shell(pty, options, {
        onOutput: (bytes) => listener.onOutput(bytes),
        onReady: (prompt) => {
          if (settled) return listener.onReady(prompt);
          settled = true;
          clearTimeout(timer);
          resolve(shell);
        },
        onExit: (exitCode) => {
          if (settled) return listener.onExit(exitCode);
          settled = true;
          fail(`it ended at once with exit code ${exitCode}`);
        },
      });
      const timer = setTimeout(() => {
        settled = true;
        fail('it shows no prompt; bash 4.4 or later is needed');
        void shell.end();
      }, START_TIMEOUT_MS);
    });
  }

  get pid(): number {
    return this.pty.pid;
  }

  /** What the shell said at its last prompt. */
  get prompt(): ShellPrompt | undefined {
    return this.lastPrompt;
  }

  /**
   * Runs a command of any length and content. Output and end come to the listener.
   * @param last what `$?` shall be for it
   */
  execute(command: string, last: number): void {
    const flags = this.lastPrompt?.flags ?? '';
    this.sequence += 1;
    this.resends = 0;
    this.command = commandInput(this.options.id, this.sequence, command, { exitCode: last, flags });
    this.output.clear();
    this.state = 'sent';
    this.pty.write(this.command);
  }

  /** Types into the terminal. */
  type(text: string): void {
    if (this.state !== 'ended') this.pty.write(text);
  }

  /** Presses Ctrl-C. */
  pressInterrupt(): void {
    // A command that has not started yet must not be sent again.
    this.command = '';
    this.type(CTRL_C);
  }

  /** The process group that keys reach now, or nothing when it cannot be told. */
  foregroundGroup(): Promise<number | undefined> {
    return foregroundGroup(this.pid);
  }

  /** Kills what runs in the foreground. @returns false when that is the shell itself */
  async killForeground(): Promise<boolean> {
    const group = await this.foregroundGroup();
    if (this.state === 'ended' || group === undefined || group === this.pid) return false;
    signal(-group, 'SIGKILL');
    return true;
  }

  /**
   * Hangs up, as closing a terminal window does; kills the shell and its foreground if that does not end it.
   */
  async end(): Promise<void> {
    if (this.state === 'ended') return;
    const group = await foregroundGroup(this.pid);
    if (group !== undefined && group !== this.pid) {
      signal(-group, 'SIGHUP');
      signal(-group, 'SIGCONT');
    }
    signal(this.pid, 'SIGHUP');
    if (await settlesWithin(this.exited, HANGUP_GRACE_MS)) return;
    if (group !== undefined) signal(-group, 'SIGKILL');
    signal(this.pid, 'SIGKILL');
    await settlesWithin(this.exited, KILL_GRACE_MS);
  }

  private receiveOutput(bytes: Buffer): void {
    // Before the start marker there is only the echo of our own line; at a prompt, only what background jobs
    // say.
    if (this.state !== 'running') return;
    this.output.append(bytes);
    this.listener.onOutput(bytes);
  }

  private receiveMarker(marker: Marker): void {
    if (marker.type === 'started' && this.state === 'sent') this.state = 'running';
    if (marker.type === 'prompt' && this.state === 'running') this.restore(marker.exitCode);
    if (marker.type === 'skipped' && marker.sequence === this.sequence) this.receiveSkipped();
    if (marker.type === 'ready') this.receivePrompt(marker.prompt);
  }

  /** A command took `PROMPT_COMMAND` away: it has ended, but the shell cannot say so. */
  private restore(exitCode: number): void {
    this.restoredExitCode = exitCode;
    this.state = 'restoring';
    this.pty.write(restoreInput(this.options.id));
  }

  private receivePrompt(prompt: ShellPrompt): void {
    const exitCode = this.restoredExitCode ?? prompt.exitCode;
    this.restoredExitCode = undefined;
    this.lastPrompt = { ...prompt, exitCode };
    if (this.state === 'sent' && this.command !== '' && this.resends < MAX_RESENDS) {
      // A Ctrl-C meant for the command before came when the shell was reading ours.
      this.resends += 1;
      this.pty.write(this.command);
      return;
    }
    this.becomeReady();
  }

  /** Our command was begun and ended by a late Ctrl-C before it could say so: nobody will report its end. */
  private receiveSkipped(): void {
    if (this.state === 'sent') this.becomeReady();
  }

  private becomeReady(): void {
    if (this.state === 'ready' || !this.lastPrompt) return;
    this.state = 'ready';
    this.listener.onReady(this.lastPrompt);
  }
}
