import { FolderWatcher } from './folder-watcher.js';
import { findProgram, type Program } from './program.js';
import { ServerChild } from './server-child.js';

/**
 * Runs the server as a child process and restarts it when its sources, or without sources its build, change.
 * The old server shuts down (runs pause, sockets close with 1012) before the new one starts. If the sources
 * do not compile, the old one continues. Resolves with the exit code of the last server: after SIGTERM or
 * SIGINT, or when a server that was not started by a change exits by itself.
 * @param root the folder of the package
 */
export async function runReloading(root: string, args: readonly string[]): Promise<number> {
  const program = await findProgram(root);
  const reloader = new Reloader(
    program,
    args.filter((arg) => arg !== '--reload'),
  );
  const watcher = await FolderWatcher.open(
    program.folder,
    (file) => program.isRelevant(file),
    () => reloader.change(),
  );
  print(`watching ${program.folder}`);
  try {
    return await reloader.run();
  } finally {
    watcher.close();
    await program.close();
  }
}

class Reloader {
  private server: ServerChild | undefined;
  /** The server was restarted for a change, so a further change may repair one that exits. */
  private wasRestarted = false;
  private ending = false;
  private changed = true;
  /** Number of termination signals received. */
  private signals = 0;
  private wake: () => void = () => undefined;

  constructor(
    private readonly program: Program,
    private readonly args: readonly string[],
  ) {}

  /** Called when files have changed. */
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
        await this.restart();
        continue;
      }
      const code = await Promise.race([
        this.nextEvent(),
        ...(this.server === undefined ? [] : [this.server.exit]),
      ]);
      if (code === undefined || this.signals > 0) continue;
      if (!this.wasRestarted) return code;
      print(`the server ended with ${code}: waiting for a change`);
      this.server = undefined;
    }
  }

  private async restart(): Promise<void> {
    const main = await this.program.build();
    if (this.changed || this.signals > 0) return;
    if (main === undefined) {
      print(
        this.server === undefined
          ? 'waiting for a change'
          : 'the server continues unchanged until that is fixed',
      );
      return;
    }
    if (this.server !== undefined) {
      print('files have changed: restarting');
      this.ending = true;
      await this.server.end();
      this.ending = false;
      this.wasRestarted = true;
    }
    if (this.signals > 0) return;
    this.server = new ServerChild(main, this.args);
    await this.program.removeOldBuilds();
  }

  private stop(signal: NodeJS.Signals): void {
    // A second signal would abort a shutdown in progress.
    if (!this.ending || this.signals > 0) this.server?.signal(signal);
    this.signals += 1;
    this.wake();
  }

  private nextEvent(): Promise<undefined> {
    return new Promise((resolve) => (this.wake = () => resolve(undefined)));
  }
}

function print(text: string): void {
  process.stdout.write(`openhands-agent-server --reload: ${text}\n`);
}
