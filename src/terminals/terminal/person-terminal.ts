import type { IPty } from '@lydell/node-pty';
import { errorCode, errorMessage } from '../../errors/index.js';
import { settlesWithin, turnForFile, turnToStart } from '../../flow/index.js';
import {
  endSessionProcesses,
  foregroundGroup,
  isProcessAlive,
  loadPty,
  programOf,
  PtyInput,
  readRemainder,
  SESSION_VARIABLE,
  shellEnvironment,
  signal,
} from '../../processes/index.js';
import { type Confinement, findProgram } from '../../sandbox/index.js';
import type { OutputPace } from '../streams/output-pace.js';
import type { EndReason } from '../streams/terminal-notice.js';
import { TerminalStartError } from '../terminal-errors.js';
import { Terminal, type TerminalFacts, type TerminalSize } from './terminal.js';

/** How often it is checked that the shell of a paused terminal is still there (ms). */
const CHECK_MS = 50;
/** How long the shell may take to end after its terminal was closed (ms). */
const HANGUP_GRACE_MS = 1_000;
/** What the environment of agents has and people do not want: pagers work here. */
const FOR_AGENTS = new Set(['PAGER', 'GIT_PAGER', 'AI_AGENT']);

/** How a terminal is opened. */
export interface TerminalStart {
  facts: TerminalFacts;
  size: TerminalSize;
  confinement: Confinement;
  scrollbackBytes: number;
  pace: OutputPace;
}

/** A terminal that a person has opened: a shell on a pseudo-terminal of its own. */
export class PersonTerminal extends Terminal {
  readonly takenOverBy = null;
  private readonly input: PtyInput;
  private readonly exited: Promise<void>;
  /** Resolves when all its processes have ended. */
  private readonly ending: Promise<void>;
  private closeReason: EndReason | undefined;
  private checkTimer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly pty: IPty,
    { facts, size, scrollbackBytes, pace }: TerminalStart,
  ) {
    super(facts, size, scrollbackBytes, pace);
    this.input = new PtyInput(pty);
    const push = (data: string | Buffer): void =>
      this.append(typeof data === 'string' ? Buffer.from(data) : data);
    // Without an encoding the terminal emits buffers, although its types say strings.
    pty.onData(push);
    readRemainder(pty, push);
    this.exited = new Promise((resolve) => {
      pty.onExit(({ exitCode, signal: by = 0 }) => {
        clearInterval(this.checkTimer);
        this.end(exitCode, by === 0 ? null : by, this.closeReason ?? 'exit');
        resolve();
      });
    });
    // What the shell has left running. What cannot be ended must not end the server.
    this.ending = this.exited.then(() => this.endProcesses()).catch(() => undefined);
  }

  /** @throws TerminalStartError, SandboxError */
  static async start(start: TerminalStart): Promise<PersonTerminal> {
    const { spawn } = await loadPty();
    await turnToStart();
    const { facts, size, confinement } = start;
    const program = programFor(facts, confinement);
    const pty = spawn(program.file, [...program.args], {
      name: 'xterm-256color',
      ...size,
      cwd: program.cwd,
      env: program.env,
      encoding: null,
    });
    return new PersonTerminal(pty, start);
  }

  override async close(reason: EndReason): Promise<void> {
    if (!this.hasEnded) {
      this.closeReason ??= reason;
      await this.hangUp();
      // Looking for all its processes takes long while many terminals are closed together.
      if (!(await settlesWithin(this.exited, HANGUP_GRACE_MS))) await this.endProcesses();
    }
    await this.ending;
  }

  protected override get pendingInput(): number {
    return this.input.pending;
  }

  protected override writeInput(data: Buffer): void {
    this.input.write(data);
  }

  protected override inputRoom(below: number): Promise<void> {
    return this.input.hasRoom(below);
  }

  protected override applySize({ rows, cols }: TerminalSize): void {
    if (this.input.isOpen) this.pty.resize(cols, rows);
  }

  protected override setReading(isReading: boolean): void {
    clearInterval(this.checkTimer);
    if (isReading) return this.pty.resume();
    this.pty.pause();
    // What is not read soon after the end of the shell would be lost.
    this.checkTimer = setInterval(() => {
      if (isProcessAlive(this.pty.pid)) return;
      clearInterval(this.checkTimer);
      this.pty.resume();
    }, CHECK_MS);
  }

  /** As closing the window of a terminal does. */
  private async hangUp(): Promise<void> {
    const group = await foregroundGroup(this.pty.pid);
    await turnForFile();
    const shell = programOf(this.pty.pid);
    if (group !== undefined && group !== shell) {
      signal(-group, 'SIGHUP');
      signal(-group, 'SIGCONT');
    }
    signal(shell, 'SIGHUP');
  }

  private endProcesses(): Promise<void> {
    return endSessionProcesses(this.id, [this.pty.pid]);
  }
}

/** @throws TerminalStartError if there is no such program; SandboxError */
function programFor({ id, shell, cwd }: TerminalFacts, confinement: Confinement) {
  const inherited = Object.entries(shellEnvironment()).filter(([name]) => !FOR_AGENTS.has(name));
  const env = {
    ...Object.fromEntries(inherited),
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    SHELL: shell,
    [SESSION_VARIABLE]: id,
  };
  try {
    const file = findProgram({ file: shell, args: [], cwd, env });
    return confinement.program({ file, args: [], cwd, env: { ...env, SHELL: file } });
  } catch (error) {
    if (!['ENOENT', 'EACCES'].includes(errorCode(error) ?? '')) throw error;
    throw new TerminalStartError(`The shell ${shell} cannot be started: ${errorMessage(error)}`);
  }
}
