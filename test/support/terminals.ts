import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  TerminalSession,
  type TerminalSessionOptions,
  type WatchOptions,
} from '../../src/tools/terminal/session/terminal-session.js';

/** Options to wait for the end of a command. */
export const WATCH: WatchOptions = { quietMs: 10_000 };
/** Options to wait until a command has started, also on a busy machine. */
export const SOON: WatchOptions = { quietMs: 300 };

/** Terminals of one test in a temporary folder. */
export class Terminals {
  private readonly sessions: TerminalSession[] = [];

  private constructor(readonly folder: string) {}

  static async inNewFolder(): Promise<Terminals> {
    return new Terminals(await mkdtemp(path.join(tmpdir(), 'terminal-session-')));
  }

  open(options: Partial<TerminalSessionOptions> = {}): TerminalSession {
    const session = new TerminalSession({ workingDir: this.folder, ...options });
    this.sessions.push(session);
    return session;
  }

  /** Closes the terminals and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The output of a command that has to complete. */
export async function output(session: TerminalSession, command: string): Promise<string> {
  const report = await session.run(command, WATCH);
  expect(report.outcome).toBe('completed');
  return report.output;
}
