import type { PtyInput } from '../../../processes/index.js';
import { OutputBuffer } from './output-buffer.js';
import type { Shell } from './shell.js';

/** Somebody who looks at a session. */
export interface SessionListener {
  /** What the terminal shows: commands with a prompt before them, and their output. */
  onOutput(bytes: Buffer): void;
  /** A person has the terminal no more. */
  onGivenBack(): void;
  /** The session is closed. */
  onClosed(): void;
}

/** What a person did in the terminal of an agent. */
export interface TakeoverReport {
  /** What was shown at the prompt of the person, as it looks on a screen. */
  output: string;
  /** A program that was still running was ended. */
  hasEndedProgram: boolean;
  /** The shell has ended; the next command starts another one. */
  hasEndedShell: boolean;
}

/** The session whose terminal is taken over. */
export interface TakenSession {
  /** The shell, if there is one. */
  current(): Shell | undefined;
  /** The shell to give to the person; undefined while a command of the agent runs in it. */
  free(): Promise<Shell | undefined>;
  onGivenBack(): void;
}

/** A person's use of the terminal of an agent, from taking it over to giving it back. */
export class Takeover {
  /** Resolves when the person can type. */
  private begun: Promise<void> | undefined;
  private ending: Promise<void> | undefined;
  private readonly output = new OutputBuffer();
  private report: TakeoverReport | undefined;

  constructor(private readonly session: TakenSession) {}

  /** Whether a person has the terminal. */
  get isActive(): boolean {
    return this.begun !== undefined;
  }

  /**
   * Gives the terminal to a person: at its prompt, or with the command that is running, after whose end there
   * is a prompt. Call it while the agent is paused.
   * @throws SessionStateError, WorkingDirError, ShellStartError
   */
  begin(): Promise<void> {
    this.begun ??= this.giveShell().catch((error: unknown) => {
      this.begun = undefined;
      throw error;
    });
    return this.begun;
  }

  /**
   * Takes the terminal back. A program that the person has left running is ended; the shell keeps its
   * directory and variables. The running command of the agent goes on.
   */
  async end(): Promise<void> {
    if (!this.isActive) return;
    this.ending ??= this.takeBack().finally(() => (this.ending = undefined));
    await this.ending;
  }

  /** What the last person did, once; undefined if there was none since the last call. */
  takeReport(): TakeoverReport | undefined {
    const { report } = this;
    this.report = undefined;
    return report;
  }

  /** Takes what a person types; undefined while nobody has the terminal, or without a shell. */
  get input(): PtyInput | undefined {
    return this.isActive ? this.session.current()?.input : undefined;
  }

  /** Changes the size while a person has the terminal. */
  resize(cols: number, rows: number): void {
    if (this.isActive) this.session.current()?.resize(cols, rows);
  }

  /** What the shell prints while the person has it. */
  append(bytes: Buffer): void {
    this.output.append(bytes);
  }

  /** A command of the agent has ended: the person gets a prompt. */
  commandEnded(shell: Shell): void {
    if (this.isActive && !this.ending) shell.beginManual();
  }

  private async giveShell(): Promise<void> {
    (await this.session.free())?.beginManual();
  }

  private async takeBack(): Promise<void> {
    await this.begun?.catch(() => undefined);
    const shell = this.session.current();
    const hasEndedProgram = shell?.isManual === true && (await shell.endManual());
    this.session.current()?.resize();
    this.begun = undefined;
    const { text } = await this.output.take();
    this.report = { output: text, hasEndedProgram, hasEndedShell: this.session.current() === undefined };
    this.session.onGivenBack();
  }
}
