import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, copyFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../files/index.js';

/** The program that `--reload` runs and watches. */
export interface Program {
  /** The folder to watch. */
  readonly folder: string;
  /** Whether a change of a file restarts the server. */
  isRelevant(file: string): boolean;
  /** Builds the program; returns its main file, or undefined when the build failed (which it has printed). */
  build(): Promise<string | undefined>;
  /** Removes older builds, once the server of the last one has started. */
  removeOldBuilds(): Promise<void>;
  /** Removes all builds. */
  close(): Promise<void>;
}

/** The program of a package: its sources if this is a checkout, else the installed build. */
export async function findProgram(root: string): Promise<Program> {
  const compiler = path.join(root, 'scripts/compile.mjs');
  const needed = [path.join(root, 'src/main.ts'), compiler, path.join(root, 'node_modules/@swc/core')];
  const isCheckout = (await Promise.all(needed.map(exists))).every(Boolean);
  return isCheckout ? new SourceProgram(root, compiler) : new BuiltProgram(path.join(root, 'dist/main.js'));
}

/** An installation without sources: restarted when a new version replaces it. */
class BuiltProgram implements Program {
  readonly folder: string;
  constructor(private readonly main: string) {
    this.folder = path.dirname(main);
  }
  isRelevant(file: string): boolean {
    return /\.c?js$/.test(file);
  }
  build(): Promise<string> {
    return Promise.resolve(this.main);
  }
  async removeOldBuilds(): Promise<void> {
    // There are no builds.
  }
  async close(): Promise<void> {
    // There are no builds.
  }
}

/**
 * A checkout. Every change is compiled into a new folder, so that a running server never loads modules of
 * another version. The folders are below `node_modules`, so that packages are resolved from there.
 */
class SourceProgram implements Program {
  readonly folder: string;
  private readonly cache: string;
  private readonly output: string;
  private builds = 0;
  private console: ChildProcess | undefined;

  constructor(
    private readonly root: string,
    private readonly compiler: string,
  ) {
    this.folder = path.join(root, 'src');
    this.cache = path.join(root, 'node_modules/.cache/openhands-agent-server');
    this.output = path.join(this.cache, `reload-${process.pid}`);
  }

  isRelevant(file: string): boolean {
    return file.endsWith('.ts') && !file.endsWith('.spec.ts');
  }

  async build(): Promise<string | undefined> {
    if (this.builds === 0) await this.prepare();
    this.builds += 1;
    const folder = path.join(this.output, String(this.builds));
    const compiling = spawn(process.execPath, [this.compiler, folder], { stdio: 'inherit' });
    await once(compiling, 'exit');
    return compiling.exitCode === 0 ? path.join(folder, 'main.js') : undefined;
  }

  async removeOldBuilds(): Promise<void> {
    const names = await readdir(this.output);
    const old = names.filter((name) => /^\d+$/.test(name) && Number(name) < this.builds);
    await Promise.all(old.map((name) => remove(path.join(this.output, name))));
  }

  async close(): Promise<void> {
    this.console?.kill('SIGKILL');
    await remove(this.output);
  }

  private async prepare(): Promise<void> {
    await makeFolder(this.output);
    // It declares that the modules are ES modules, and the version.
    await copyFile(path.join(this.root, 'package.json'), path.join(this.output, 'package.json'));
    const left = (await readdir(this.cache)).filter((name) => !isRunning(Number(name.split('-')[1])));
    await Promise.all(left.map((name) => remove(path.join(this.cache, name))));
    await this.buildConsole();
  }

  /** Builds the page of the console beside the builds, and again when it changes: no server restarts. */
  private async buildConsole(): Promise<void> {
    const args = [path.join(this.root, 'scripts/console.mjs'), path.join(this.output, 'console'), '--watch'];
    // It ends when the channel closes, so also when this process is killed.
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.console = child;
    // The server starts also without a page.
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
  }
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
