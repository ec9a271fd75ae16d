import { createHash } from 'node:crypto';
import { mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError, errorMessage } from '../../../errors/index.js';
import { makeTemporaryFolder, sweepTemporaryFolders } from '../../../files/index.js';
import { maskRemote } from '../../../text/index.js';
import type { Repositories } from '../repositories.js';

/** The source of a plugin or marketplace, as in requests. */
export interface PluginSource {
  /** A path, a `file://` URL, `github:owner/repository`, or any address that git can fetch. */
  source: string;
  /** Branch, tag or commit of a repository. */
  ref: string | null;
  /** A folder inside the source. */
  repo_path: string | null;
}

/** A source is unavailable; the message says why. */
export class PluginSourceError extends DomainError {
  override readonly name = 'SourceError';
  readonly kind = 'rejected';
}

/** Resolves sources to folders. Only requested sources are fetched, and only with git. */
export class PluginSources {
  constructor(
    private readonly repositories: Repositories,
    /** Where fetched repositories are stored. */
    private readonly cache: string,
  ) {}

  /**
   * The folder of a source (absolute path).
   * @param base base of relative paths
   * @throws PluginSourceError
   */
  async resolve({ source, ref, repo_path }: PluginSource, base: string): Promise<string> {
    const address = repositoryOf(source);
    const root = address === undefined ? localPath(source, base) : await this.fetch(address, ref);
    return folderInside(root, repo_path ?? '.');
  }

  /** Fetches one commit into a folder of its own, so that copies in use do not change. */
  private async fetch(address: string, ref: string | null): Promise<string> {
    if (ref?.startsWith('-') || address.startsWith('-'))
      throw new PluginSourceError(`Not a git source: ${maskRemote(address)}`);
    const home = path.join(this.cache, createHash('sha256').update(address).digest('hex').slice(0, 16));
    await mkdir(home, { recursive: true });
    await sweepTemporaryFolders(home);
    const temporary = await makeTemporaryFolder('fetch', home);
    try {
      const fresh = path.join(temporary, 'repository');
      const kept = path.join(home, await this.repositories.fetch(address, ref, fresh));
      // The same commit may have been fetched concurrently.
      await rename(fresh, kept).catch(() => stat(kept));
      return kept;
    } catch (error) {
      throw new PluginSourceError(`Cannot fetch ${maskRemote(address)}: ${errorMessage(error)}`);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
}

/** The address of a repository; undefined for a local path. */
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
 * Resolves a folder inside another one.
 * @throws PluginSourceError if it does not exist or is outside
 */
export async function folderInside(root: string, below: string): Promise<string> {
  const folder = path.resolve(root, below);
  const [realRoot, real] = await Promise.all(
    [root, folder].map((place) => realpath(place).catch(() => null)),
  );
  if (typeof realRoot !== 'string') throw new PluginSourceError(`Local path does not exist: ${root}`);
  if (typeof real !== 'string') throw new PluginSourceError(`There is no ${below} in ${root}`);
  if (real !== realRoot && !real.startsWith(realRoot + path.sep)) {
    throw new PluginSourceError(`${below} leads out of ${root}`);
  }
  if (!(await stat(real)).isDirectory()) throw new PluginSourceError(`${folder} is not a folder`);
  return folder;
}
