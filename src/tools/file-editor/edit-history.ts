import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { replaceFile } from '../../files/index.js';

/** How many earlier contents of a file are kept. */
const MAX_VERSIONS = 10;

/**
 * Earlier contents of edited files, as bytes, so that undo also restores encodings and line ends. They are
 * stored in the conversation's folder, not in the workspace, where tools and commits would pick them up.
 */
export class EditHistory {
  constructor(private readonly folder: string) {}

  /**
   * Saves a version of a file. Drops the oldest one if there are more than ten.
   * @throws the error of the file system
   */
  async push(file: string, content: Uint8Array): Promise<void> {
    const folder = await this.folderOf(file);
    await mkdir(folder, { recursive: true });
    const versions = await versionNumbers(folder);
    await replaceFile(path.join(folder, String((versions.at(-1) ?? 0) + 1)), content);
    const surplus = versions.slice(0, Math.max(0, versions.length + 1 - MAX_VERSIONS));
    await Promise.all(surplus.map((version) => rm(path.join(folder, String(version)), { force: true })));
  }

  /** The version that was saved last; undefined if there is none. */
  async last(file: string): Promise<Buffer | undefined> {
    const folder = await this.folderOf(file);
    const version = (await versionNumbers(folder)).at(-1);
    return version === undefined ? undefined : readFile(path.join(folder, String(version)));
  }

  /** Removes the version that was saved last. */
  async drop(file: string): Promise<void> {
    const folder = await this.folderOf(file);
    const version = (await versionNumbers(folder)).at(-1);
    if (version !== undefined) await rm(path.join(folder, String(version)), { force: true });
  }

  /** One folder per file, also if it is reached through symbolic links. */
  private async folderOf(file: string): Promise<string> {
    const real = await realpath(file).catch(() => path.resolve(file));
    return path.join(this.folder, createHash('sha256').update(real).digest('hex').slice(0, 32));
  }
}

async function versionNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
