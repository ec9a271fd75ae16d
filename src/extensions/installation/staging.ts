import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';
import { storageFailure } from '../../storage/index.js';
import { copyTree } from './copy-tree.js';
import { InvalidExtensionError } from './extension-errors.js';
import { isExtensionName, type ExtensionMetadata, type ExtensionKind } from './extension-kind.js';
import {
  openSource,
  type ExtensionSource,
  type OpenedSource,
  type SourceOptions,
} from './extension-source.js';

/** Age at which folders count as leftovers of dead processes (ms): no installation takes that long. */
const LEFTOVER_AGE_MS = 60 * 60_000;

/** A fetched and validated extension, ready to be moved into place. */
export interface StagedExtension {
  /** Absolute path, on the same file system as the user's folder. */
  folder: string;
  metadata: ExtensionMetadata;
  resolvedRef: string | null;
}

/** Temporary folders for fetching and validating extensions, and for replaced ones. */
export class Staging {
  private readonly logger = new Logger('Extensions');
  private readonly root: string;

  /**
   * @param home the user's folder (absolute path)
   * @param baseDir base of relative paths
   */
  constructor(
    home: string,
    private readonly baseDir: string,
    private readonly github: string,
  ) {
    this.root = path.join(home, 'cache', 'installing');
  }

  /**
   * Opens a source for the duration of the work.
   * @throws SourceUnavailableError, StorageFailedError, errors of the work
   */
  async open<T>(
    source: ExtensionSource,
    work: (opened: OpenedSource, place: string) => Promise<T>,
    options: Pick<SourceOptions, 'timeoutMs' | 'withUserConfig'> = {},
  ): Promise<T> {
    await this.sweep();
    const place = await this.newPath();
    await makeFolder(place, 0o700).catch((error: unknown) => {
      throw storageFailure(error);
    });
    try {
      const { baseDir, github } = this;
      const repository = path.join(place, 'repository');
      return await work(await openSource(source, { baseDir, github, target: repository, ...options }), place);
    } finally {
      await rm(place, { recursive: true, force: true }).catch((error: unknown) => {
        this.logger.warn(`${place} cannot be removed: ${errorMessage(error)}`);
      });
    }
  }

  /**
   * Fetches and validates an extension for the duration of the work.
   * @throws SourceUnavailableError, InvalidExtensionError, errors of the work
   */
  stage<T>(
    source: ExtensionSource,
    kind: ExtensionKind,
    work: (staged: StagedExtension) => Promise<T>,
  ): Promise<T> {
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
        const some = `${leftOut.length} links or special files are skipped: ${leftOut.slice(0, 10).join(', ')}`;
        this.logger.warn(`${kind.label} '${facts.name}': ${some}`);
      }
      return work({ folder, metadata: facts, resolvedRef: opened.resolvedRef });
    });
  }

  /** A new path. @throws StorageFailedError */
  async newPath(): Promise<string> {
    await makeFolder(this.root, 0o700).catch((error: unknown) => {
      throw storageFailure(error);
    });
    return path.join(this.root, randomUUID());
  }

  /** Where a folder is kept while it is being replaced. */
  replacedPath(directory: string, name: string): string {
    return path.join(this.root, `replaced-${directory}--${name}`);
  }

  /** Whether a replacement is in progress or was interrupted. */
  async hasReplaced(directory: string): Promise<boolean> {
    return (await this.allReplaced(directory)).length > 0;
  }

  /** All folders that are being replaced. */
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
      if (facts && Date.now() - facts.mtimeMs > LEFTOVER_AGE_MS)
        await rm(folder, { recursive: true, force: true });
    }
  }
}
