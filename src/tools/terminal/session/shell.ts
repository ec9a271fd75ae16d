import { Buffer } from 'node:buffer';

import type * as Pty from '@lydell/node-pty';

import { errorMessage } from '../../../errors/index.js';
import { settlesWithin, turnToStart } from '../../../flow/index.js';
import { OutputBuffer } from './output-buffer.js';
import {
  commandInput,
  endManualInput,
  LINE_EDITING_INPUT,
  manualCommand,
  MarkerScanner,
  promptCommand,
  restoreInput,
} from './prompt-protocol.js';
import type { Marker, ShellPrompt } from './prompt-protocol.js';
import {
  foregroundGroup,
  loadPty,
  programOf,
  PtyInput,
  readRemainder,
  signal,
} from '../../../processes/index.js';
import type { Confinement, ProgramStart } from '../../../sandbox/index.js';

/** The same size as in the original: wide enough that programs do not wrap their lines. */
const COLUMNS = 256;
const ROWS = 200;
/** How long to wait for the first prompt. */
const START_TIMEOUT_MS = 10_000;
/** How long bash may take to exit after SIGHUP before it is killed. */
const HANGUP_GRACE_MS = 200;
/** How long to wait after SIGKILL. A process that hangs in the kernel may never exit. */
const KILL_GRACE_MS = 2000;
const CTRL_C = '\x03';
/** How long a program of a person may take to end by Ctrl-C, and after it was killed. */
const MANUAL_GRACE_MS = 700;
/** How often a command is sent again. Each time means another late Ctrl-C. */
const MAX_RESENDS = 5;

/** How a shell is started. */
interface ShellOptions {
  /** Identifies the session in markers and in the environment of its processes. */
  id: string;
  /** Path or name of a bash of version 4.4 or later. */
  shellPath: string;
  workingDir: string;
  environment: Readonly<Record<string, string>>;
  confinement: Confinement;
}

/** Receives the events of a shell. */
interface ShellListener {
  /** Output of the running command. */
  onOutput(bytes: Buffer): void;
  /** Output while a person has the shell. */
  onManualOutput(bytes: Buffer): void;
  /** The command has ended, and the next one can be executed. */
  onReady(prompt: ShellPrompt): void;
  /** The shell has exited, and its terminal is closed. */
  onExit(exitCode: number): void;
}

/** A person's use of a shell. */
interface Manual {
  phase: 'starting' | 'active' | 'ending';
  /** Line editing was turned on. */
  isEditing?: boolean;
  /** Resolves when the shell is ready for commands again, or has ended. */
  ended: Promise<void>;
  resolve: () => void;
}

/** The shell could not be started. */
export class ShellStartError extends Error {
  override readonly name = 'ShellStartError';
}

/** @throws ShellStartError if there is no such shell, or its sandbox does not work */
function shellProgram({ id, shellPath, workingDir, environment, confinement }: ShellOptions): ProgramStart {
  try {
    return confinement.program({
      file: shellPath,
      args: ['--noprofile', '--norc', '--noediting', '+o', 'history', '-i'],
      cwd: workingDir,
      // The agent's commands do not belong in the user's history.
      env: { ...environment, HISTFILE: '', PROMPT_COMMAND: promptCommand(id) },
    });
  } catch (error) {
    throw new ShellStartError(`Cannot start the shell ${shellPath}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** A bash on a pseudo-terminal, from its start to its exit. Runs one command at a time. */
export class Shell {
  /** The unread output of the command. */
  readonly output = new OutputBuffer();
  private readonly scanner: MarkerScanner;
  private readonly exited: Promise<void>;
  private state: 'starting' | 'ready' | 'sent' | 'running' | 'manual' | 'restoring' | 'ended' = 'starting';
  /** A person has the shell: set from `beginManual` to the next prompt of the protocol. */
  private manual: Manual | undefined;
  private manualInput: PtyInput | undefined;
  private sequence = 0;
  private command = '';
  private resends = 0;
  /** The command's exit code while `PROMPT_COMMAND` is restored: the ready marker then has another one. */
  private restoredExitCode?: number;
  private lastPrompt: ShellPrompt | undefined;

  private constructor(
    private readonly pty: Pty.IPty,
    private readonly options: ShellOptions,
    private readonly listener: ShellListener,
  ) {
    this.scanner = new MarkerScanner(
      options.id,
      (bytes) => this.onOutputBytes(bytes),
      (marker) => this.onMarker(marker),
    );
    // Without an encoding the terminal emits buffers, although its types say strings.
    pty.onData((data: string | Buffer) =>
      this.scanner.push(typeof data === 'string' ? Buffer.from(data) : data),
    );
    readRemainder(pty, (bytes) => this.scanner.push(bytes));
    this.exited = new Promise((resolve) => {
      pty.onExit(({ exitCode }) => {
        this.state = 'ended';
        this.manual?.resolve();
        resolve();
        listener.onExit(exitCode);
      });
    });
  }

  /**
   * Starts bash and waits for its first prompt.
   * @throws ShellStartError if there is no such shell, or it is not a supported bash
   */
  static async start(options: ShellOptions, listener: ShellListener): Promise<Shell> {
    const { spawn } = await loadPty();
    await turnToStart();
    const start = shellProgram(options);
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        clearTimeout(timer);
        reject(new ShellStartError(`Cannot start the shell ${options.shellPath}: ${reason}`));
      };
      let settled = false;
      const pty = spawn(start.file, [...start.args], {
        name: 'xterm-256color',
        cols: COLUMNS,
        rows: ROWS,
        cwd: start.cwd,
        env: start.env,
        encoding: null,
      });
      const shell = new Shell(pty, options, {
        onOutput: (bytes) => listener.onOutput(bytes),
        onManualOutput: (bytes) => listener.onManualOutput(bytes),
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

  /** The leader of the terminal's session: the shell, or what runs it in its sandbox. */
  get pid(): number {
    return this.pty.pid;
  }

  /** The shell's state at its last prompt. */
  get prompt(): ShellPrompt | undefined {
    return this.lastPrompt;
  }

  /**
   * Runs a command of any length and content. The listener receives its output and its end.
   * @param last the value of `$?` for the command
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

  /** Whether a person has the shell. */
  get isManual(): boolean {
    return this.manual !== undefined && this.state !== 'ended';
  }

  /** Gives the ready shell to a person, with a prompt and line editing. Unread output is kept. */
  beginManual(): void {
    if (this.manual) return;
    const flags = this.lastPrompt?.flags ?? '';
    let resolve = (): void => undefined;
    const ended = new Promise<void>((done) => (resolve = done));
    this.manual = { phase: 'starting', ended, resolve };
    this.sequence += 1;
    this.resends = 0;
    const { id } = this.options;
    this.command = commandInput(id, this.sequence, manualCommand(id), { exitCode: 0, flags });
    this.state = 'sent';
    this.pty.write(this.command);
  }

  /**
   * Takes the shell back: what is typed and not entered is discarded, a program that runs is ended, first by
   * Ctrl-C. If there is no prompt even then, the shell is ended, and the next command starts another one.
   * @returns whether a program was ended
   */
  async endManual(): Promise<boolean> {
    const { manual } = this;
    if (!manual || this.state === 'ended') return false;
    this.manualInput?.clear();
    const group = await this.foregroundGroup();
    const isBusy = group !== undefined && group !== this.shellPid;
    manual.phase = 'ending';
    for (const attempt of ['interrupt', 'interrupt', 'kill'] as const) {
      if (attempt === 'interrupt') this.type(CTRL_C);
      else if (await this.killForeground()) this.type(CTRL_C);
      if (await settlesWithin(manual.ended, MANUAL_GRACE_MS)) return isBusy;
    }
    await this.end();
    return true;
  }

  /** Types bytes of a person: what the program does not read yet waits. */
  get input(): PtyInput {
    this.manualInput ??= new PtyInput(this.pty);
    return this.manualInput;
  }

  /** Changes the size, for a person; without one it becomes that of agents. */
  resize(cols = COLUMNS, rows = ROWS): void {
    if (this.state !== 'ended' && this.input.isOpen) this.pty.resize(cols, rows);
  }

  /** Types into the terminal. */
  type(text: string): void {
    if (this.state !== 'ended') this.pty.write(text);
  }

  /** Presses Ctrl-C. */
  pressInterrupt(): void {
    // The interrupted command must not be sent again if it has not started yet.
    this.command = '';
    this.type(CTRL_C);
  }

  /** The terminal's foreground process group; undefined if unknown. */
  foregroundGroup(): Promise<number | undefined> {
    return foregroundGroup(this.pid);
  }

  /** Kills the foreground process group. @returns false if that is the shell itself */
  async killForeground(): Promise<boolean> {
    const group = await this.foregroundGroup();
    if (this.state === 'ended' || group === undefined || group === this.shellPid) return false;
    signal(-group, 'SIGKILL');
    return true;
  }

  /** Sends SIGHUP, as closing a terminal window does, and SIGKILL if the shell does not exit. */
  async end(): Promise<void> {
    if (this.state === 'ended') return;
    const group = await foregroundGroup(this.pid);
    const shell = this.shellPid;
    if (group !== undefined && group !== shell) {
      signal(-group, 'SIGHUP');
      signal(-group, 'SIGCONT');
    }
    signal(shell, 'SIGHUP');
    if (await settlesWithin(this.exited, HANGUP_GRACE_MS)) return;
    if (group !== undefined) signal(-group, 'SIGKILL');
    signal(this.pid, 'SIGKILL');
    await settlesWithin(this.exited, KILL_GRACE_MS);
  }

  /** The shell itself, which does not lead the session in a sandbox. */
  private get shellPid(): number {
    return programOf(this.pid);
  }

  private onOutputBytes(bytes: Buffer): void {
    // Before the start marker this is only the echo of our input, and at a prompt only background jobs print.
    if (this.state === 'manual' && this.manual?.phase === 'active') this.listener.onManualOutput(bytes);
    if (this.state !== 'running') return;
    this.output.append(bytes);
    this.listener.onOutput(bytes);
  }

  private onMarker(marker: Marker): void {
    if (marker.type === 'started' && this.state === 'sent')
      this.state = this.manual === undefined ? 'running' : 'manual';
    if (marker.type === 'manual' && this.manual) this.onManualPrompt(this.manual);
    if (marker.type === 'prompt' && this.state === 'running') this.restore(marker.exitCode);
    if (marker.type === 'skipped' && marker.sequence === this.sequence) this.onSkipped();
    if (marker.type === 'ready') this.onPrompt(marker.prompt);
  }

  /** The prompt of a person is about to be shown: the first time without line editing. */
  private onManualPrompt(manual: Manual): void {
    if (manual.phase === 'ending') this.pty.write(endManualInput(this.options.id));
    else if (manual.isEditing === true) manual.phase = 'active';
    else {
      manual.isEditing = true;
      this.pty.write(LINE_EDITING_INPUT);
    }
  }

  /** A command has removed `PROMPT_COMMAND`. It has ended, but the shell prints no ready marker. */
  private restore(exitCode: number): void {
    this.restoredExitCode = exitCode;
    this.state = 'restoring';
    this.pty.write(restoreInput(this.options.id));
  }

  private onPrompt(prompt: ShellPrompt): void {
    const exitCode = this.restoredExitCode ?? prompt.exitCode;
    this.restoredExitCode = undefined;
    this.lastPrompt = { ...prompt, exitCode };
    if (this.state === 'sent' && this.command !== '' && this.resends < MAX_RESENDS) {
      // A late Ctrl-C for the previous command interrupted reading this one.
      this.resends += 1;
      this.pty.write(this.command);
      return;
    }
    this.becomeReady();
  }

  /**
   * A late Ctrl-C ended the command before it printed its start marker, so its end is not reported otherwise.
   */
  private onSkipped(): void {
    if (this.state === 'sent') this.becomeReady();
  }

  private becomeReady(): void {
    if (this.state === 'ready' || !this.lastPrompt) return;
    this.state = 'ready';
    this.manual?.resolve();
    this.manual = undefined;
    this.listener.onReady(this.lastPrompt);
  }
}
