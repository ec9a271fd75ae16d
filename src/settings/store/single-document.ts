import { Logger } from '@nestjs/common';
import type { JsonObject } from '../../json/index.js';
import { type SettingsConflictError } from '../settings-errors.js';
import { DamagedDocumentError, type Documents } from '../../storage/index.js';

/**
 * The single file of a store. Its problems are logged; clients are only told that it cannot be used.
 */
export class SingleDocument {
  private readonly logger = new Logger('Settings');

  /**
   * @param name relative to the folder
   * @param conflict creates the error for clients
   */
  constructor(
    private readonly documents: Documents,
    private readonly name: string,
    private readonly conflict: () => SettingsConflictError,
  ) {}

  /** Absolute path. */
  get path(): string {
    return this.documents.placeOf(this.name);
  }

  /**
   * The object in the file; undefined if it does not exist.
   * @throws SettingsConflictError if it is damaged, StorageFailedError
   */
  async read(): Promise<JsonObject | undefined> {
    try {
      return await this.documents.read(this.name);
    } catch (error) {
      if (error instanceof DamagedDocumentError) throw this.unusable(error.why);
      throw error;
    }
  }

  /** Logs why the file cannot be used and returns the error for clients. */
  unusable(why: string): SettingsConflictError {
    this.logger.error(`${this.path} cannot be used and is not changed: ${why}`);
    return this.conflict();
  }
}
