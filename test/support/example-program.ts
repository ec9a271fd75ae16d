import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { transformFile } from '@swc/core';
import { ROOT } from './checkout.js';
import { eventually } from './server-process.js';

/** An interpreter that has the packages of the Python examples; undefined where there is none. */
export function pythonWith(...packages: string[]): string | undefined {
  const names = [process.env['PYTHON'], 'python3'];
  return names.find((name) => {
    if (name === undefined || (path.isAbsolute(name) && !existsSync(name))) return false;
    return spawnSync(name, ['-c', `import ${packages.join(', ')}`]).status === 0;
  });
}

/** A TypeScript example as a module that every supported Node runs, in a folder of its own. */
export async function compiledExample(file: string): Promise<{ file: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'example-'));
  const { code } = await transformFile(path.join(ROOT, 'examples', file), {
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
  });
  const compiled = path.join(folder, 'example.mjs');
  await writeFile(compiled, code);
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  return { file: compiled, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A running example with what it has printed. */
export class ExampleProgram {
  private printed = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, 'close');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.printed += chunk.toString()));
    }
  }

  /** @param command the program and its arguments */
  static start(command: readonly string[], env: Record<string, string>, cwd = ROOT): ExampleProgram {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd,
      env: { PATH: process.env['PATH'], PYTHONUNBUFFERED: '1', ...env },
      stdio: 'pipe',
    });
    return new ExampleProgram(child);
  }

  get output(): string {
    return this.printed;
  }

  async prints(text: string): Promise<void> {
    await eventually(() => this.printed.includes(text) || this.child.exitCode !== null, text);
    if (!this.printed.includes(text)) throw new Error(`it ended without "${text}": ${this.printed}`);
  }

  /** Writes a line to its standard input. */
  type(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** @returns its exit code */
  async end(): Promise<number | null> {
    await this.ended;
    return this.child.exitCode;
  }

  /** For the end of a test. */
  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
