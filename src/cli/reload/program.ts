import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, copyFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../files/index.js';

/** What `--reload` runs and watches. */
export interface Program {
  /** Changes below this folder start the server again. */
  readonly folder: string;
  /** Whether a change of this file matters. */
  counts(file: string): boolean;
  /**
   * Brings the program up to date; answers its main file, or undefined when it cannot be made (which it has
   * said).
   */
  make(): Promise<string | undefined>;
  /** The server of the last `make` has started: what was made before is no longer needed. */
  tidy(): Promise<void>;
  /** Removes what it made. */
  close(): Promise<void>;
}

/** The program that `main` belongs to: its sources where they are there, else what was built from them. */
export async function findProgram(main: string): Promise<Program> {
  const root = path.dirname(path.dirname(main));
  const compiler = path.join(root, 'scripts/compile.mjs');
  const needed = [path.join(root, 'src/main.ts'), compiler, path.join(root, 'node_modules/@swc/core')];
  const isCheckout = (await Promise.all(needed.map(isThere))).every(Boolean);
  return isCheckout ? new SourceProgram(root, compiler) : new BuiltProgram(main);
}

/** An installation without sources: a new version that is put in its place is started. */
class BuiltProgram implements Program {
  readonly folder: string;
  constructor(private readonly main: string) {
    this.folder = path.dirname(main);
  }
  counts(file: string): boolean {
    return /\.c?js$/.test(file);
  }
  make(): Promise<string> {
    return Promise.resolve(this.main);
  }
  async tidy(): Promise<void> {
    // Nothing was made.
  }
  async close(): Promise<void> {
    // Nothing was made.
  }
}

/**
 * A checkout. Every change is compiled into a folder of its own: a running server never finds modules of
 * another version, and nothing old can be left over. The folders are below `node_modules`, so that packages
 * are found from there.
 */
class SourceProgram implements Program {
  readonly folder: string;
  private readonly cache: string;
  private readonly output: string;
  private made = 0;

  constructor(
    private readonly root: string,
    private readonly compiler: string,
  ) {
    this.folder = path.join(root, 'src');
    this.cache = path.join(root, 'node_modules/.cache/openhands-agent-server');
    this.output = path.join(this.cache, `reload-${process.pid}`);
  }

  counts(file: string): boolean {
    return file.endsWith('.ts') && !file.endsWith('.spec.ts');
  }

  async make(): Promise<string | undefined> {
    if (this.made === 0) await this.prepare();
    this.made += 1;
    const folder = path.join(this.output, String(this.made));
    const compiling = spawn(process.execPath, [this.compiler, folder], { stdio: 'inherit' });
    await once(compiling, 'exit');
    return compiling.exitCode === 0 ? path.join(folder, 'main.js') : undefined;
  }

  async tidy(): Promise<void> {
    const made = await readdir(this.output);
    const old = made.filter((name) => /^\d+$/.test(name) && Number(name) < this.made);
    await Promise.all(old.map((name) => remove(path.join(this.output, name))));
  }

  async close(): Promise<void> {
    await remove(this.output);
  }

  private async prepare(): Promise<void> {
    await makeFolder(this.output);
    // It says that the modules are ES modules, and the version.
    await copyFile(path.join(this.root, 'package.json'), path.join(this.output, 'package.json'));
    const left = (await readdir(this.cache)).filter((name) => !isRunning(Number(name.split('-')[1])));
    await Promise.all(left.map((name) => remove(path.join(this.cache, name))));
  }
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

async function isThere(file: string): Promise<boolean> {
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
