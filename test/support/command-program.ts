import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './checkout.js';

/** The end of a run of a command. */
interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A run of `openhands-agent-server COMMAND` in the folder of a server, with its settings and keys. */
export class CommandProgram {
  private output = { stdout: '', stderr: '' };
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown>;

  constructor(cwd: string, command: string, args: readonly string[], env?: Record<string, string>) {
    this.child = spawn(process.execPath, [path.join(ROOT, 'dist/main.js'), command, ...args], {
      cwd,
      env: environment(cwd, env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.output.stderr += chunk.toString()));
    this.closed = once(this.child, 'close');
  }

  /** Runs it to its end. */
  static run(
    cwd: string,
    command: string,
    args: readonly string[],
    env?: Record<string, string>,
  ): Promise<CommandResult> {
    return new CommandProgram(cwd, command, args, env).result();
  }

  /**
   * Runs command lines one after another in one process, which costs a tenth of a process for each: for those
   * that only show a message. `test/support/command-lines.mjs` is that process.
   */
  static async runEach(
    cwd: string,
    command: string,
    lines: readonly { args: readonly string[]; env?: Record<string, string> }[],
  ): Promise<CommandResult[]> {
    const given = lines.map(({ args, env }) => ({ args: [command, ...args], env: environment(cwd, env) }));
    const script = path.join(ROOT, 'test/support/command-lines.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(given)], { cwd });
    return JSON.parse(stdout) as CommandResult[];
  }

  get stdout(): string {
    return this.output.stdout;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  async result(): Promise<CommandResult> {
    await this.closed;
    return { code: this.child.exitCode, ...this.output };
  }
}

function environment(cwd: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: cwd,
    OH_PERSISTENCE_DIR: path.join(cwd, 'persistence'),
    ...more,
  };
}
