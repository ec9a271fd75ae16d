import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether users of this machine can mount a tmpfs in a namespace of their own. */
export async function canMount(): Promise<boolean> {
  return run('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).then(
    () => true,
    () => false,
  );
}

/** A small disk that outlives the servers on it. Only processes started with `wrapper` see it. */
export class SmallDisk {
  private constructor(
    /** The absolute path of the mount. */
    readonly folder: string,
    private readonly holder: ChildProcess,
  ) {}

  /** @param folder absolute path; it is created if necessary */
  static async mount(folder: string, size = '1m'): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true });
    const script = 'mount -t tmpfs -o size=$1,mode=700 none "$0" && echo mounted && exec sleep 1000';
    const holder = spawn('unshare', ['-rm', 'sh', '-c', script, folder, size], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(holder.stdout, 'data');
    return new SmallDisk(folder, holder);
  }

  /** A command that runs its further arguments in a folder, with access to the disk. */
  wrapper(cwd: string): string[] {
    const enter = ['nsenter', '-t', String(this.holder.pid), '-U', '-m', '--preserve-credentials'];
    return [...enter, 'sh', '-c', 'cd "$0" && exec "$@"', cwd];
  }

  /** The path of a file on the disk that all processes can use. */
  at(...names: string[]): string {
    return path.join('/proc', String(this.holder.pid), 'root', this.folder, ...names);
  }

  /** Fills the disk completely. */
  async fill(): Promise<void> {
    await writeFile(this.at('filler'), Buffer.alloc(2 * 1024 * 1024)).then(
      () => {
        throw new Error('the disk is larger than it should be');
      },
      (error: unknown) => expect(error).toMatchObject({ code: 'ENOSPC' }),
    );
  }

  /** Frees the space again. */
  makeRoom(): Promise<void> {
    return rm(this.at('filler'));
  }

  async unmount(): Promise<void> {
    const exit = once(this.holder, 'exit');
    this.holder.kill('SIGKILL');
    await exit;
  }
}
