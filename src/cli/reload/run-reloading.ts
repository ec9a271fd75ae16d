import { FolderWatcher } from './folder-watcher.js';
import { findProgram, type Program } from './program.js';
import { ServerChild } from './server-child.js';

/**
 * Runs the server as a child process, and again whenever its sources change; without sources, whenever what
 * was built changes. The old server ends in order (runs pause, sockets close with 1012) before the new one
 * starts. While sources do not compile, the old one stays. Resolves with the exit code of the last server:
 * after SIGTERM or SIGINT, and when one that was not started by a change ends by itself.
 */
export async function runReloading(main: string, args: readonly string[]): Promise<number> {
  const program = await findProgram(main);
  const reloader = new Reloader(
    program,
    args.filter((arg) => arg !== '--reload'),
  );
  const watcher = await FolderWatcher.open(
    program.folder,
    (file) => program.counts(file),
    () => reloader.change(),
  );
  say(`watching ${program.folder}`);
  try {
    return await reloader.run();
  } finally {
    watcher.close();
    await program.close();
  }
}

class Reloader {
  private server: ServerChild | undefined;
  /** A server was ended for a change, so the next change may mend what ended this one. */
  private renewed = false;
  private ending = false;
  private changed = true;
  /** So many signals to end came. */
  private signals = 0;
  private wake: () => void = () => undefined;

  constructor(
    private readonly program: Program,
    private readonly args: readonly string[],
  ) {}

  /** The files have changed. */
  change(): void {
    this.changed = true;
    this.wake();
  }

  async run(): Promise<number> {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.stop(signal));
    for (;;) {
      if (this.signals > 0) return (await this.server?.exit) ?? 0;
      if (this.changed) {
        this.changed = false;
        await this.renew();
        continue;
      }
      const code = await Promise.race([
        this.woken(),
        ...(this.server === undefined ? [] : [this.server.exit]),
      ]);
      if (code === undefined || this.signals > 0) continue;
      if (!this.renewed) return code;
      say(`the server ended with ${code}: waiting for a change`);
      this.server = undefined;
    }
  }

  private async renew(): Promise<void> {
    const main = await this.program.make();
    if (this.changed || this.signals > 0) return;
    if (main === undefined) {
      say(
        this.server === undefined
          ? 'waiting for a change'
          : 'the server stays as it was until that is mended',
      );
      return;
    }
    if (this.server !== undefined) {
      say('there are changes: starting again');
      this.ending = true;
      await this.server.end();
      this.ending = false;
      this.renewed = true;
    }
    if (this.signals > 0) return;
    this.server = new ServerChild(main, this.args);
    await this.program.tidy();
  }

  private stop(signal: NodeJS.Signals): void {
    // One signal more would end a server at once that is ending in order.
    if (!this.ending || this.signals > 0) this.server?.signal(signal);
    this.signals += 1;
    this.wake();
  }

  private woken(): Promise<undefined> {
    return new Promise((resolve) => (this.wake = () => resolve(undefined)));
  }
}

function say(text: string): void {
  process.stdout.write(`openhands-agent-server --reload: ${text}\n`);
}
