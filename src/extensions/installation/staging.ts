import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';
import { toStorageError } from '../../storage/index.js';
import { copyTree } from './copy-tree.js';
import { InvalidExtensionError } from './extension-errors.js';
import { isExtensionName, type ExtensionFacts, type ExtensionKind } from './extension-kind.js';
import {
  openSource,
  type ExtensionSource,
  type OpenedSource,
  type SourceOptions,
} from './extension-source.js';

/** What is left of processes that died is removed after so long (ms): nothing takes that long. */
const LEFTOVER_MS = 60 * 60_000;

/** An extension that was fetched and checked, ready to be moved to its place. */
export interface Staged {
  /** Absolute path, on the file system of the person's folder. */
  folder: string;
  facts: ExtensionFacts;
  resolvedRef: string | null;
}

/** Where extensions are fetched and checked before they are installed, and where old ones wait to be gone. */
export class Staging {
  private readonly logger = new Logger('Extensions');
  private readonly root: string;

  /**
   * @param home the person's folder (absolute path)
   * @param baseDir what relative paths are relative to
   */
  constructor(
    home: string,
    private readonly baseDir: string,
    private readonly github: string,
  ) {
    this.root = path.join(home, 'cache', 'installing');
  }

  /**
   * Gets at the files of a source, for as long as the work takes.
   * @throws SourceUnavailableError, StorageFailedError, and whatever the work throws
   */
  async open<T>(
    source: ExtensionSource,
    work: (opened: OpenedSource, place: string) => Promise<T>,
    options: Pick<SourceOptions, 'timeoutMs' | 'withUserConfig'> = {},
  ): Promise<T> {
    await this.sweep();
    const place = await this.unused();
    await makeFolder(place, 0o700).catch((error: unknown) => {
      throw toStorageError(error);
    });
    try {
      const { baseDir, github } = this;
      const repository = path.join(place, 'repository');
      return await work(await openSource(source, { baseDir, github, place: repository, ...options }), place);
    } finally {
      await rm(place, { recursive: true, force: true }).catch((error: unknown) => {
        this.logger.warn(`${place} cannot be removed: ${errorMessage(error)}`);
      });
    }
  }

  /**
   * Fetches an extension and checks it, for as long as the work takes.
   * @throws SourceUnavailableError, InvalidExtensionError, and whatever the work throws
   */
  use<T>(source: ExtensionSource, kind: ExtensionKind, work: (staged: Staged) => Promise<T>): Promise<T> {
    return this.open(source, async (opened, place) => {
      const folder = path.join(place, 'copy');
      const leftOut = await copyTree(opened.folder, folder, opened.root);
      const facts = await kind.describe(folder, opened);
      if (!isExtensionName(facts.name)) {
        const name = facts.name.slice(0, 100);
        throw new InvalidExtensionError(
          `'${name}' cannot be a name: lower-case letters, digits and single hyphens`,
        );
      }
      if (leftOut.length > 0) {
        const some = `${leftOut.length} links or special files are left out: ${leftOut.slice(0, 10).join(', ')}`;
        this.logger.warn(`${kind.what} '${facts.name}': ${some}`);
      }
      return work({ folder, facts, resolvedRef: opened.resolvedRef });
    });
  }

  /** A path where nothing is. @throws StorageFailedError */
  async unused(): Promise<string> {
    await makeFolder(this.root, 0o700).catch((error: unknown) => {
      throw toStorageError(error);
    });
    return path.join(this.root, randomUUID());
  }

  /** Where the folder of an extension waits while another one takes its place. */
  replaced(directory: string, name: string): string {
    return path.join(this.root, `replaced-${directory}--${name}`);
  }

  /** Whether a replacement of a kind is going on, or was cut off. */
  async hasReplaced(directory: string): Promise<boolean> {
    return (await this.allReplaced(directory)).length > 0;
  }

  /** The folders that wait. */
  async allReplaced(directory: string): Promise<{ name: string; folder: string }[]> {
    const prefix = `replaced-${directory}--`;
    const names = (await readdir(this.root).catch(() => [])).filter((name) => name.startsWith(prefix));
    return names.map((name) => ({ name: name.slice(prefix.length), folder: path.join(this.root, name) }));
  }

  private async sweep(): Promise<void> {
    for (const name of await readdir(this.root).catch(() => [])) {
      if (name.startsWith('replaced-')) continue;
      const folder = path.join(this.root, name);
      const facts = await stat(folder).catch(() => undefined);
      if (facts && Date.now() - facts.mtimeMs > LEFTOVER_MS)
        await rm(folder, { recursive: true, force: true });
    }
  }
}
