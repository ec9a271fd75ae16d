import { spawn, type ChildProcess } from 'node:child_process';

/** A server ends within 10 s of a signal; one that is later no longer listens to signals. */
const PATIENCE_MS = 12_000;

/**
 * A server process that `--reload` started. Its IPC channel tells it when its starter is gone, however that
 * ended.
 */
export class ServerChild {
  /** Its exit code, when it has ended; 1 when a signal ended it. */
  readonly exit: Promise<number>;
  private readonly child: ChildProcess;

  constructor(main: string, args: readonly string[]) {
    const options = ['--enable-source-maps', main, ...args];
    this.child = spawn(process.execPath, options, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    this.exit = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('exit', (code) => resolve(code ?? 1));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it in order and answers its exit code. */
  async end(): Promise<number> {
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS);
    const code = await this.exit;
    clearTimeout(late);
    return code;
  }
}
