import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { makeFolder, undefinedIfMissing } from '../../files/index.js';

/** What tools of agents can fetch or make again. */
const CACHES = ['.cache', '.npm'];

/**
 * Throws folders of stopped containers away: they are renamed at once and removed in the background, at the
 * latest after the next start. What they contain was written by agents.
 */
export class RuntimeTrash {
  private readonly logger = new Logger('Containers');
  private readonly folder: string;
  private emptying: Promise<void> | undefined;
  private isFull = false;

  /** @param data the folder of the homes and workspaces of containers */
  constructor(data: string) {
    this.folder = path.join(data, '.trash');
  }

  /** Throws away a folder, or whatever is in its place. */
  async take(folder: string): Promise<void> {
    await makeFolder(this.folder, 0o700);
    const target = path.join(this.folder, randomBytes(16).toString('hex'));
    await rename(folder, target).catch(undefinedIfMissing);
    this.emptySoon();
  }

  /** Throws away the caches in the home of a container that does not run. Never throws. */
  async takeCaches(home: string): Promise<void> {
    for (const name of CACHES) {
      await this.take(path.join(home, name)).catch((error: unknown) => {
        this.logger.warn(`${path.join(home, name)} stays: ${errorMessage(error)}`);
      });
    }
  }

  /** Removes what was thrown away, in the background. */
  emptySoon(): void {
    this.isFull = true;
    this.emptying ??= this.empty().finally(() => (this.emptying = undefined));
  }

  /** Resolves when nothing is being removed. */
  async settled(): Promise<void> {
    await this.emptying;
  }

  private async empty(): Promise<void> {
    while (this.isFull) {
      this.isFull = false;
      const names = await readdir(this.folder).catch(() => []);
      for (const name of names) {
        await rm(path.join(this.folder, name), { recursive: true, force: true, maxRetries: 3 }).catch(
          (error: unknown) => this.logger.warn(`${name} in ${this.folder} stays: ${errorMessage(error)}`),
        );
      }
    }
  }
}
