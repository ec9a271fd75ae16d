import { spawn, type ChildProcess } from 'node:child_process';

/** A server exits within 10 s of a signal; a later one does not respond any more. */
const TIMEOUT_MS = 12_000;

/** A server process of `--reload`. When its parent dies, the IPC channel closes and it shuts down. */
export class ServerChild {
  /** Resolves with the exit code; 1 when a signal ended the process. */
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

  /** Shuts it down and returns the exit code. */
  async end(): Promise<number> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), TIMEOUT_MS);
    const code = await this.exit;
    clearTimeout(timer);
    return code;
  }
}
