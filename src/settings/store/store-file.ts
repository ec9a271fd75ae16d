import { Logger } from '@nestjs/common';
import type { JsonObject } from '../../json/index.js';
import { DamagedFileError, type SettingsConflictError } from '../settings-errors.js';
import type { PersistenceFolder } from './persistence-folder.js';

/**
 * The one file of a store. What is wrong with it stands in the log; clients are told that it cannot be used.
 */
export class StoreFile {
  private readonly logger = new Logger('Settings');

  /**
   * @param name relative to the folder
   * @param conflict what clients are told
   */
  constructor(
    private readonly folder: PersistenceFolder,
    private readonly name: string,
    private readonly conflict: () => SettingsConflictError,
  ) {}

  /** Absolute. */
  get path(): string {
    return this.folder.path(this.name);
  }

  /**
   * What it holds; undefined where there is no file.
   * @throws SettingsConflictError when it is damaged, StorageFailedError
   */
  async read(): Promise<JsonObject | undefined> {
    try {
      return await this.folder.read(this.name);
    } catch (error) {
      if (error instanceof DamagedFileError) throw this.unusable(error.why);
      throw error;
    }
  }

  /** Says in the log why it cannot be used, and answers what clients are told. */
  unusable(why: string): SettingsConflictError {
    this.logger.error(`${this.path} cannot be used and is left as it is: ${why}`);
    return this.conflict();
  }
}
