import { createHash } from 'node:crypto';
import { mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError, errorMessage } from '../../../errors/index.js';
import { makeTemporaryFolder, sweepTemporaryFolders } from '../../../files/index.js';
import { maskRemote } from '../../../text/index.js';
import type { Repositories } from '../repositories.js';

/** Where a plugin or a marketplace comes from, as requests name it. */
export interface Source {
  /** A path, `file://`, `github:owner/repository`, or whatever git can fetch from. */
  source: string;
  /** Branch, tag or commit of a repository. */
  ref: string | null;
  /** A folder inside. */
  repo_path: string | null;
}

/** A source that cannot be had; the message says why. */
export class SourceError extends DomainError {
  override readonly name = 'SourceError';
  readonly kind = 'rejected';
}

/** Turns sources into folders. Only what somebody named is fetched, and only by git. */
export class Sources {
  constructor(
    private readonly repositories: Repositories,
    /** Where fetched repositories are kept. */
    private readonly cache: string,
  ) {}

  /**
   * The folder that a source stands for (absolute path).
   * @param base what relative paths are relative to
   * @throws SourceError
   */
  async resolve({ source, ref, repo_path }: Source, base: string): Promise<string> {
    const address = repositoryOf(source);
    const root = address === undefined ? localPath(source, base) : await this.fetch(address, ref);
    return inside(root, repo_path ?? '.');
  }

  /** A copy of one commit, kept under its name: what is in use does not change. */
  private async fetch(address: string, ref: string | null): Promise<string> {
    if (ref?.startsWith('-') || address.startsWith('-'))
      throw new SourceError(`not a git source: ${maskRemote(address)}`);
    const home = path.join(this.cache, createHash('sha256').update(address).digest('hex').slice(0, 16));
    await mkdir(home, { recursive: true });
    await sweepTemporaryFolders(home);
    const temporary = await makeTemporaryFolder('fetch', home);
    try {
      const fresh = path.join(temporary, 'repository');
      const kept = path.join(home, await this.repositories.fetch(address, ref, fresh));
      // Somebody else may have fetched the same commit.
      await rename(fresh, kept).catch(() => stat(kept));
      return kept;
    } catch (error) {
      throw new SourceError(`Cannot fetch ${maskRemote(address)}: ${errorMessage(error)}`);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
}

/** The address of a repository; undefined for a path on this machine. */
function repositoryOf(source: string): string | undefined {
  const short = /^github:([\w.-]+\/[\w.-]+)$/.exec(source)?.[1];
  if (short !== undefined) return `https://github.com/${short}.git`;
  if (/^(https?|ssh|git):\/\//.test(source)) return source;
  return /^[\w.-]+@[\w.-]+:/.test(source) ? source : undefined;
}

function localPath(source: string, base: string): string {
  if (source.startsWith('file://')) return fileURLToPath(source);
  const home = /^~(?=\/|$)/;
  return path.resolve(base, home.test(source) ? source.replace(home, os.homedir()) : source);
}

/**
 * A folder inside another one.
 * @throws SourceError when it is not there or leads outside
 */
export async function inside(root: string, below: string): Promise<string> {
  const folder = path.resolve(root, below);
  const [realRoot, real] = await Promise.all(
    [root, folder].map((place) => realpath(place).catch(() => null)),
  );
  if (typeof realRoot !== 'string') throw new SourceError(`Local path does not exist: ${root}`);
  if (typeof real !== 'string') throw new SourceError(`There is no ${below} in ${root}`);
  if (real !== realRoot && !real.startsWith(realRoot + path.sep)) {
    throw new SourceError(`${below} leads out of ${root}`);
  }
  if (!(await stat(real)).isDirectory()) throw new SourceError(`${folder} is no folder`);
  return folder;
}
