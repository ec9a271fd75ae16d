import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { replaceFile } from '../../files/index.js';

/** How many states of each file can be gone back to. */
const STATES_PER_FILE = 10;

/**
 * Earlier contents of edited files, as bytes, so that going back restores encoding and line ends too. They
 * are kept with the conversation and not in the workspace: no tool of the agent and no commit picks them up.
 */
export class EditHistory {
  constructor(private readonly folder: string) {}

  /**
   * Keeps a state of a file; the oldest one beyond ten is dropped.
   * @throws the error of the file system
   */
  async push(file: string, content: Uint8Array): Promise<void> {
    const folder = await this.folderOf(file);
    await mkdir(folder, { recursive: true });
    const states = await stateNumbers(folder);
    await replaceFile(path.join(folder, String((states.at(-1) ?? 0) + 1)), content);
    const surplus = states.slice(0, Math.max(0, states.length + 1 - STATES_PER_FILE));
    await Promise.all(surplus.map((state) => rm(path.join(folder, String(state)), { force: true })));
  }

  /** The state that was kept last; undefined when there is none. */
  async last(file: string): Promise<Buffer | undefined> {
    const folder = await this.folderOf(file);
    const state = (await stateNumbers(folder)).at(-1);
    return state === undefined ? undefined : readFile(path.join(folder, String(state)));
  }

  /** Forgets the state that was kept last. */
  async drop(file: string): Promise<void> {
    const folder = await this.folderOf(file);
    const state = (await stateNumbers(folder)).at(-1);
    if (state !== undefined) await rm(path.join(folder, String(state)), { force: true });
  }

  /** One folder a file, whatever name it is reached by. */
  private async folderOf(file: string): Promise<string> {
    const real = await realpath(file).catch(() => path.resolve(file));
    return path.join(this.folder, createHash('sha256').update(real).digest('hex').slice(0, 32));
  }
}

async function stateNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
