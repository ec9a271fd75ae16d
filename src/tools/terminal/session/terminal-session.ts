import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { isFolder } from '../../../files/index.js';
import { MAX_TIMER_MS } from '../../../flow/index.js';

import { endSessionProcesses, SESSION_VARIABLE, shellEnvironment } from '../../../processes/index.js';
import { UNCONFINED, type Confinement } from '../../../sandbox/index.js';
import { exportCommand, isVariableName, shownCommand } from './session-commands.js';
import { OutputBuffer } from './output-buffer.js';
import type { ShellPrompt } from './prompt-protocol.js';
import { SessionStateError, WorkingDirError } from './session-errors.js';
import { Shell } from './shell.js';
import { type SessionListener, Takeover } from './takeover.js';

/** How long a command may take to end after Ctrl-C. */
const INTERRUPT_GRACE_MS = 500;
/** The interval of checks whether a loop continued with its next command. */
const CHECK_INTERVAL_MS = 50;
/** How long the shell may take to show its prompt after the foreground was killed. */
const KILL_GRACE_MS = 500;
/** Limits for setting variables, which is fast unless the shell hangs. */
const EXPORT_WATCH = { timeoutMs: 5000, quietMs: 5000, isShown: false };

/** Options of a terminal session. */
export interface TerminalSessionOptions {
  /** The initial directory, also after a reset. Must exist. */
  workingDir: string;
  /** Environment variables in addition to `shellEnvironment`. */
  env?: Readonly<Record<string, string>>;
  /** A bash of version 4.4 or later; default: the first `bash` in `PATH`. */
  shellPath?: string;
  /** Default: none. */
  confinement?: Confinement;
}

/** When to stop watching a command. */
export interface WatchOptions {
  /** Return after this time. `quietMs` is then ignored. */
  timeoutMs?: number;
  /** Return after this time without output. */
  quietMs: number;
  /** An abort interrupts the command and rejects the call with the signal's reason. */
  signal?: AbortSignal;
  /** Receives live output: UTF-8 with control sequences, without the protocol's markers. */
  onOutput?: (bytes: Buffer) => void;
  /** Whether the command is shown to those who look at the session; default: yes. */
  isShown?: boolean;
}

/** The result of watching a command. */
export interface CommandReport {
  /**
   * `ended`: the shell itself has exited (`exit`, `kill`). `quiet`, `timeout`: the command is still running.
   */
  outcome: 'completed' | 'quiet' | 'timeout' | 'ended';
  /** The output since the last report as it looks on a screen, without trailing white space. */
  output: string;
  /** The number of remaining lines if the beginning of the output was dropped. */
  remainingLines?: number;
  /** The command's if completed, the shell's if ended, else -1. */
  exitCode: number;
  /** Set if completed. */
  prompt?: ShellPrompt;
}

interface Watcher {
  settle(outcome: CommandReport['outcome']): void;
  onOutput: WatchOptions['onOutput'];
}

/**
 * A terminal session: a bash on a pseudo-terminal, started on first use, which keeps its directory,
 * variables, functions and background jobs between commands. If the shell exits, the next command starts a
 * new one. `close` ends all processes of the session.
 */
export class TerminalSession {
  private readonly id = randomBytes(12).toString('hex');
  private readonly shellPids: number[] = [];
  private shell: Shell | undefined;
  private starting: Promise<Shell> | undefined;
  private state: 'idle' | 'running' | 'finished' = 'idle';
  private end: { outcome: 'completed' | 'ended'; exitCode: number; prompt?: ShellPrompt } | undefined;
  private output = new OutputBuffer();
  private watcher: Watcher | undefined;
  private endListeners = new Set<() => void>();
  private lastOutputAt = 0;
  private lastExitCode = 0;
  /** The directory for the next shell, if an interrupt had to end the shell. */
  private resumeDir: string | undefined;
  private closing: Promise<void> | undefined;
  private readonly listeners = new Set<SessionListener>();
  /** A person's use of the terminal. */
  readonly takeover = new Takeover({
    current: () => this.shell,
    free: () => this.freeShell(),
    onGivenBack: () => this.listeners.forEach((listener) => listener.onGivenBack()),
  });

  constructor(private readonly options: TerminalSessionOptions) {}

  /** `finished`: the command has ended, and its last output can be read by `watch`. */
  get status(): 'idle' | 'running' | 'finished' {
    return this.state;
  }

  /**
   * Runs a command and watches it. Unread output of an earlier command is dropped.
   * @throws SessionStateError if another command is running or the session is closed
   * @throws WorkingDirError, ShellStartError if a shell has to be started and cannot
   */
  async run(command: string, options: WatchOptions): Promise<CommandReport> {
    options.signal?.throwIfAborted();
    if (this.closing) throw new SessionStateError('The terminal is closed');
    if (this.state === 'running') throw new SessionStateError('A command is running');
    this.state = 'running';
    this.end = undefined;
    const shell = await this.startedShell(options.signal);
    this.lastOutputAt = performance.now();
    if (options.isShown !== false) this.show(Buffer.from(shownCommand(command)));
    shell.execute(command, this.lastExitCode);
    return this.watch(options);
  }

  /** Calls the listener for what the terminal shows, until the returned function is called. */
  listen(listener: SessionListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** For a person: undefined while a command runs. @throws as `run` */
  private async freeShell(): Promise<Shell | undefined> {
    if (this.closing) throw new SessionStateError('The terminal is closed');
    const { state } = this;
    if (state === 'running') return undefined;
    const shell = await this.startedShell();
    this.state = state;
    return shell;
  }

  private show(bytes: Buffer): void {
    for (const listener of this.listeners) listener.onOutput(bytes);
  }

  /**
   * Watches the running command, or returns the rest of a finished one at once.
   * @throws SessionStateError if there is no command, or it is already being watched
   */
  async watch(options: WatchOptions): Promise<CommandReport> {
    options.signal?.throwIfAborted();
    if (this.state === 'idle') throw new SessionStateError('No command is running');
    if (this.watcher) throw new SessionStateError('The command is being watched');
    if (this.end) return this.report(this.end.outcome, options.signal);
    return new Promise((resolve, reject) => {
      const since = performance.now();
      let timer: NodeJS.Timeout | undefined;
      const stopWatching = () => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', interrupt);
        this.watcher = undefined;
      };
      const settle = (outcome: CommandReport['outcome']) => {
        stopWatching();
        resolve(this.report(outcome, options.signal));
      };
      const interrupt = () => {
        stopWatching();
        this.interrupt()
          .then(() => options.signal?.throwIfAborted())
          .catch(reject);
      };
      const wait = () => {
        const due =
          options.timeoutMs === undefined
            ? Math.max(since, this.lastOutputAt) + options.quietMs
            : since + options.timeoutMs;
        const left = due - performance.now();
        if (left <= 0) settle(options.timeoutMs === undefined ? 'quiet' : 'timeout');
        else timer = setTimeout(wait, Math.min(left, MAX_TIMER_MS));
      };
      this.watcher = { settle, onOutput: options.onOutput };
      options.signal?.addEventListener('abort', interrupt, { once: true });
      wait();
    });
  }

  /**
   * Types text into the running command, unchanged (a line needs its line end), and watches it. In normal
   * mode, terminals accept lines of up to 4,095 bytes.
   */
  async send(text: string, options: WatchOptions): Promise<CommandReport> {
    options.signal?.throwIfAborted();
    if (this.state === 'running') this.shell?.type(text);
    this.lastOutputAt = performance.now();
    return this.watch(options);
  }

  /**
   * Ends the running command: by Ctrl-C twice, then by SIGKILL to the foreground one second after the first
   * Ctrl-C, then by ending the shell; the next command starts a new one in the same directory. Unread output
   * is dropped.
   */
  async interrupt(): Promise<void> {
    const { shell } = this;
    if (this.state === 'running' && shell) {
      if (!(await this.endsByInterrupt(shell)) && !(await this.endsByKill(shell))) {
        this.resumeDir = shell.prompt?.workingDir;
        await shell.end();
      }
    }
    this.resetState();
  }

  /**
   * Exports variables to all later commands. A variable that is too large for programs is set only in the
   * shell.
   * @throws SessionStateError if a command is running or has unread output
   */
  async exportVariables(variables: Readonly<Record<string, string>>): Promise<void> {
    if (this.state !== 'idle') throw new SessionStateError('A command is running');
    const commands = Object.entries(variables)
      .filter(([name]) => isVariableName(name))
      .map(([name, value]) => exportCommand(name, value));
    if (commands.length === 0) return;
    const exitCode = this.lastExitCode;
    const report = await this.run(commands.join('; '), EXPORT_WATCH);
    if (report.outcome === 'timeout') await this.interrupt();
    // The next command's `$?` must not be that of this command.
    this.lastExitCode = exitCode;
  }

  /**
   * Ends the shell. The next command starts a new one in the working directory. Detached processes (`nohup`,
   * `setsid`, `disown`) keep running until `close`, as when a terminal window is closed.
   */
  async reset(): Promise<void> {
    await this.starting?.catch(() => undefined);
    await this.shell?.end();
    this.resetState();
    this.lastExitCode = 0;
    this.resumeDir = undefined;
  }

  /** Ends all processes of the session. Idempotent. Later commands are rejected. */
  close(): Promise<void> {
    this.closing ??= this.endAll();
    return this.closing;
  }

  private async endAll(): Promise<void> {
    await this.starting?.catch(() => undefined);
    if (this.shellPids.length === 0) return;
    await endSessionProcesses(this.id, this.shellPids);
    await this.shell?.end();
    for (const listener of this.listeners) listener.onClosed();
  }

  private async startedShell(signal?: AbortSignal): Promise<Shell> {
    try {
      this.starting ??= this.startShell();
      const shell = await this.starting;
      signal?.throwIfAborted();
      if (this.closing) throw new SessionStateError('The terminal is closed');
      return shell;
    } catch (error) {
      this.state = 'idle';
      throw error;
    } finally {
      this.starting = undefined;
    }
  }

  private async startShell(): Promise<Shell> {
    if (this.shell) return this.shell;
    const shell = await Shell.start(
      {
        id: this.id,
        shellPath: this.options.shellPath ?? 'bash',
        workingDir: await this.startDir(),
        environment: { ...shellEnvironment(this.options.env), [SESSION_VARIABLE]: this.id },
        confinement: this.options.confinement ?? UNCONFINED,
      },
      {
        onOutput: (bytes) => {
          this.lastOutputAt = performance.now();
          this.watcher?.onOutput?.(bytes);
          this.show(bytes);
        },
        onManualOutput: (bytes) => {
          this.takeover.append(bytes);
          this.show(bytes);
        },
        onReady: (prompt) => this.finish({ outcome: 'completed', exitCode: prompt.exitCode, prompt }),
        onExit: (exitCode) => {
          this.shell = undefined;
          this.finish({ outcome: 'ended', exitCode });
          void this.takeover.end();
        },
      },
    );
    this.shell = shell;
    this.output = shell.output;
    this.shellPids.push(shell.pid);
    return shell;
  }

  private async startDir(): Promise<string> {
    const { resumeDir } = this;
    this.resumeDir = undefined;
    if (resumeDir && (await isFolder(resumeDir))) return resumeDir;
    const { workingDir } = this.options;
    if (await isFolder(workingDir)) return workingDir;
    throw new WorkingDirError(`The working directory ${workingDir} does not exist or is not a directory`);
  }

  private finish(end: NonNullable<TerminalSession['end']>): void {
    this.lastExitCode = end.outcome === 'completed' ? end.exitCode : 0;
    if (this.state !== 'running') return;
    this.state = 'finished';
    this.end = end;
    this.watcher?.settle(end.outcome);
    if (this.shell && end.outcome === 'completed') this.takeover.commandEnded(this.shell);
    for (const listener of this.endListeners) listener();
  }

  /** Reports the output so far. Output that arrives while it is being cleaned is left for the next report. */
  private async report(
    outcome: CommandReport['outcome'],
    signal: AbortSignal | undefined,
  ): Promise<CommandReport> {
    const output = this.output.take();
    const { exitCode = -1, prompt } = this.end ?? {};
    const isOver = this.end !== undefined;
    if (isOver) this.state = 'idle';
    this.end = undefined;
    const { text, remainingLines } = await output;
    // Cleaning megabytes takes time, during which no watcher observes the signal.
    if (!isOver && signal?.aborted) {
      await this.interrupt();
      signal.throwIfAborted();
    }
    return { outcome, output: text, remainingLines, exitCode, prompt };
  }

  private resetState(): void {
    this.state = 'idle';
    this.end = undefined;
    this.output.clear();
  }

  /** Presses Ctrl-C up to twice. @returns whether the command ended */
  private async endsByInterrupt(shell: Shell): Promise<boolean> {
    return (await this.endsByPressing(shell)) || this.endsByPressing(shell);
  }

  /**
   * Presses Ctrl-C and waits. Bash continues a loop if Ctrl-C arrives while one of its commands starts or
   * ends, or if the command handles it. So as long as new commands follow each other, Ctrl-C is pressed
   * again. A command that keeps running may be cleaning up, and is given the time.
   */
  private async endsByPressing(shell: Shell): Promise<boolean> {
    const deadline = performance.now() + INTERRUPT_GRACE_MS;
    let group = await shell.foregroundGroup();
    let changes = 0;
    if (this.state === 'running') shell.pressInterrupt();
    while (performance.now() < deadline) {
      if (await this.endsWithin(CHECK_INTERVAL_MS)) return true;
      const now = await shell.foregroundGroup();
      if (now !== group) changes += 1;
      group = now;
      if (changes < 2 || this.state !== 'running') continue;
      shell.pressInterrupt();
      changes = 0;
    }
    return this.endsWithin(0);
  }

  private async endsByKill(shell: Shell): Promise<boolean> {
    return (await shell.killForeground()) && (await this.endsWithin(KILL_GRACE_MS));
  }

  private endsWithin(ms: number): Promise<boolean> {
    if (this.state !== 'running') return Promise.resolve(true);
    return new Promise((resolve) => {
      const answer = (ended: boolean) => {
        clearTimeout(timer);
        this.endListeners.delete(listener);
        resolve(ended);
      };
      const listener = () => answer(true);
      const timer = setTimeout(() => answer(false), ms);
      this.endListeners.add(listener);
    });
  }
}
