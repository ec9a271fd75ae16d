import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { MAX_TIMER_MS } from '../../flow/index.js';

import { shellEnvironment, endSessionProcesses, SESSION_VARIABLE } from '../../processes/index.js';
import { OutputBuffer } from './output-buffer.js';
import type { ShellPrompt } from './prompt-protocol.js';
import { Shell } from './shell.js';

/** How long a command may take to obey a Ctrl-C, and a shell to come back after a kill. */
const INTERRUPT_GRACE_MS = 500;
/** How often it is looked whether a loop went on with its next command. */
const NEXT_COMMAND_MS = 50;
const KILL_GRACE_MS = 500;
/** Setting variables takes no time unless the shell is stuck. */
const EXPORT_WATCH = { timeoutMs: 5000, quietMs: 5000 };

/**
 * Bytes of a variable, its name, `=` and a null character: Linux starts no program with a larger one
 * (`MAX_ARG_STRLEN`, execve(2)).
 */
const MAX_VARIABLE = 128 * 1024 - 2;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** How the shells of a session are started. */
export interface TerminalSessionOptions {
  /** Where the shell starts, and starts again after a reset; must exist. */
  workingDir: string;
  /** Variables beyond the allow list of `shellEnvironment`. */
  env?: Readonly<Record<string, string>>;
  /** A bash of version 4.4 or later; default: the first `bash` in `PATH`. */
  shellPath?: string;
}

/** How long to watch a command, and who else watches. */
export interface WatchOptions {
  /** Return after this time whatever happens. With it set, silence does not matter. */
  timeoutMs?: number;
  /** Return when there was no output for this long. */
  quietMs: number;
  /** Aborted: the command is interrupted and the call rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Output as it comes: raw text with control sequences, without our markers. */
  onOutput?: (text: string) => void;
}

/** What was seen of a command since the last report. */
export interface CommandReport {
  /** `ended`: the shell itself is gone (`exit`, `kill`). `quiet` and `timeout`: the command still runs. */
  outcome: 'completed' | 'quiet' | 'timeout' | 'ended';
  /** New output as it reads on a screen, without trailing white space. */
  output: string;
  /** How many lines are left where the beginning of the output had to be dropped. */
  remainingLines?: number;
  /** Of the command when completed, of the shell when ended, else -1. */
  exitCode: number;
  /** Only when completed. */
  prompt?: ShellPrompt;
}

/** The shell cannot be started in its directory. The message is for models and people. */
export class WorkingDirError extends Error {
  override readonly name = 'WorkingDirError';
}

/** Something was asked of a session that is busy, idle or closed at the wrong time. */
export class SessionStateError extends Error {
  override readonly name = 'SessionStateError';
}

interface Watcher {
  settle(outcome: CommandReport['outcome']): void;
  onOutput(bytes: Buffer): void;
}

/**
 * A terminal that somebody works in: one bash on a real pseudo-terminal, started at first use, in which
 * directories, variables, functions and background jobs last. A new shell takes its place when it ends.
 * `close` ends everything that was ever started in it.
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
  /** Where to go on when an interrupt cost the shell its life. */
  private resumeDir: string | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: TerminalSessionOptions) {}

  /** `finished`: the command has ended, and `watch` has its last output. */
  get status(): 'idle' | 'running' | 'finished' {
    return this.state;
  }

  /**
   * Runs a command and watches it. What an earlier command left unread is dropped.
   * @throws SessionStateError when another command runs or the session is closed
   * @throws WorkingDirError ShellStartError when there is no shell yet and none can be started
   */
  async run(command: string, options: WatchOptions): Promise<CommandReport> {
    options.signal?.throwIfAborted();
    if (this.closing) throw new SessionStateError('The terminal is closed');
    if (this.state === 'running') throw new SessionStateError('A command is running');
    this.state = 'running';
    this.end = undefined;
    const shell = await this.startedShell(options.signal);
    this.lastOutputAt = performance.now();
    shell.execute(command, this.lastExitCode);
    return this.watch(options);
  }

  /**
   * Watches the running command, or gives the rest of a finished one at once.
   * @throws SessionStateError when there is none, or somebody watches it already
   */
  async watch(options: WatchOptions): Promise<CommandReport> {
    options.signal?.throwIfAborted();
    if (this.state === 'idle') throw new SessionStateError('No command is running');
    if (this.watcher) throw new SessionStateError('The command is being watched');
    if (this.end) return this.report(this.end.outcome, options.signal);
    return new Promise((resolve, reject) => {
      const since = performance.now();
      const decoder = new StringDecoder('utf8');
      let timer: NodeJS.Timeout | undefined;
      const leave = () => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', interrupt);
        this.watcher = undefined;
      };
      const settle = (outcome: CommandReport['outcome']) => {
        leave();
        resolve(this.report(outcome, options.signal));
      };
      const interrupt = () => {
        leave();
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
      const { onOutput } = options;
      this.watcher = { settle, onOutput: (bytes) => onOutput?.(decoder.write(bytes)) };
      options.signal?.addEventListener('abort', interrupt, { once: true });
      wait();
    });
  }

  /**
   * Types text into the running command, as it is (a line needs its end), and watches on. A terminal in its
   * normal mode takes lines of up to 4,095 bytes.
   */
  async send(text: string, options: WatchOptions): Promise<CommandReport> {
    options.signal?.throwIfAborted();
    if (this.state === 'running') this.shell?.type(text);
    this.lastOutputAt = performance.now();
    return this.watch(options);
  }

  /**
   * Ends the running command: Ctrl-C twice, SIGKILL for the foreground a second after the first, and when
   * even that does not bring a prompt, a new shell in the same directory. Its unread output is dropped. The
   * shell can be used afterwards.
   */
  async interrupt(): Promise<void> {
    const { shell } = this;
    if (this.state === 'running' && shell) {
      if (!(await this.obeysInterrupt(shell)) && !(await this.killedForeground(shell))) {
        this.resumeDir = shell.prompt?.workingDir;
        await shell.end();
      }
    }
    this.forget();
  }

  /**
   * Sets variables for all commands to come: of programs, too, unless one is so large that no program would
   * start with it.
   * @throws SessionStateError when a command runs or has unread output
   */
  async exportVariables(variables: Readonly<Record<string, string>>): Promise<void> {
    if (this.state !== 'idle') throw new SessionStateError('A command is running');
    const commands = Object.entries(variables)
      .filter(([name]) => VARIABLE_NAME.test(name))
      .map(([name, value]) => assignment(name, value));
    if (commands.length === 0) return;
    const exitCode = this.lastExitCode;
    const report = await this.run(commands.join('; '), EXPORT_WATCH);
    if (report.outcome === 'timeout') await this.interrupt();
    // The next command's `$?` is about what the user ran, not about this.
    this.lastExitCode = exitCode;
  }

  /**
   * Gives up the shell; the next command gets a new one in the working directory. What was detached from the
   * terminal (`nohup`, `setsid`, `disown`) goes on until `close`, as it does when a terminal window is
   * closed.
   */
  async reset(): Promise<void> {
    await this.starting?.catch(() => undefined);
    await this.shell?.end();
    this.forget();
    this.lastExitCode = 0;
    this.resumeDir = undefined;
  }

  /**
   * Ends the shell and everything that was started in this session. Idempotent; later commands are refused.
   */
  close(): Promise<void> {
    this.closing ??= this.endAll();
    return this.closing;
  }

  private async endAll(): Promise<void> {
    await this.starting?.catch(() => undefined);
    if (this.shellPids.length === 0) return;
    await endSessionProcesses(this.id, this.shellPids);
    await this.shell?.end();
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
      },
      {
        onOutput: (bytes) => {
          this.lastOutputAt = performance.now();
          this.watcher?.onOutput(bytes);
        },
        onReady: (prompt) => this.finish({ outcome: 'completed', exitCode: prompt.exitCode, prompt }),
        onExit: (exitCode) => {
          this.shell = undefined;
          this.finish({ outcome: 'ended', exitCode });
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
    if (resumeDir && (await isDirectory(resumeDir))) return resumeDir;
    const { workingDir } = this.options;
    if (await isDirectory(workingDir)) return workingDir;
    throw new WorkingDirError(`The working directory ${workingDir} does not exist or is not a directory`);
  }

  private finish(end: NonNullable<TerminalSession['end']>): void {
    this.lastExitCode = end.outcome === 'completed' ? end.exitCode : 0;
    if (this.state !== 'running') return;
    this.state = 'finished';
    this.end = end;
    this.watcher?.settle(end.outcome);
    for (const listener of this.endListeners) listener();
  }

  /** What has come until now, and nothing of what comes while that is made readable. */
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
    // Megabytes take their time, in which nobody else watches for this.
    if (!isOver && signal?.aborted) {
      await this.interrupt();
      signal.throwIfAborted();
    }
    return { outcome, output: text, remainingLines, exitCode, prompt };
  }

  private forget(): void {
    this.state = 'idle';
    this.end = undefined;
    this.output.clear();
  }

  /** Presses Ctrl-C, and again for who did not obey the first time. @returns whether the command ended */
  private async obeysInterrupt(shell: Shell): Promise<boolean> {
    return (await this.endsByPressing(shell)) || this.endsByPressing(shell);
  }

  /**
   * Bash goes on with a loop when Ctrl-C meets one of its commands just as that starts or ends, or when the
   * command catches it and ends in peace: while one command follows the other they get a Ctrl-C again. One
   * that comes and stays may be there to clean up, and has its time.
   */
  private async endsByPressing(shell: Shell): Promise<boolean> {
    const deadline = performance.now() + INTERRUPT_GRACE_MS;
    let group = await shell.foregroundGroup();
    let changes = 0;
    if (this.state === 'running') shell.pressInterrupt();
    while (performance.now() < deadline) {
      if (await this.endsWithin(NEXT_COMMAND_MS)) return true;
      const now = await shell.foregroundGroup();
      if (now !== group) changes += 1;
      group = now;
      if (changes < 2 || this.state !== 'running') continue;
      shell.pressInterrupt();
      changes = 0;
    }
    return this.endsWithin(0);
  }

  private async killedForeground(shell: Shell): Promise<boolean> {
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

/** The command that sets a variable. */
function assignment(name: string, value: string): string {
  const text = `${name}='${value.replaceAll("'", `'\\''`)}'`;
  const isForPrograms = Buffer.byteLength(name) + Buffer.byteLength(value) <= MAX_VARIABLE;
  return `\\builtin export ${isForPrograms ? '' : '-n '}${text}`;
}

async function isDirectory(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() ?? false;
}
