import { Injectable, Logger } from '@nestjs/common';
import { asText, type JsonObject } from '../../json/index.js';
import { MetaProfileDto } from './meta-profile.dto.js';
import { completed } from '../json-values.js';
import { NoSuchEntryError, UnusableProfileError } from '../settings-errors.js';
import { NamedDocuments } from '../store/named-documents.js';
import { DamagedDocumentError, type DocumentWriter, Documents } from '../../storage/index.js';

/** A meta-profile in a list. */
export interface MetaProfileInfo {
  name: string;
  classifier_model: string | null;
  num_classes: number;
}

/** Meta-profiles, one JSON file each. */
@Injectable()
export class MetaProfiles {
  private readonly logger = new Logger('Settings');
  private readonly files: NamedDocuments;

  constructor(documents: Documents) {
    this.files = new NamedDocuments(documents, 'meta-profiles', 'Meta-profile', 'meta-profile');
  }

  /** @throws NoSuchEntryError, UnusableProfileError */
  async load(name: string): Promise<JsonObject> {
    const stored = await this.read(name);
    if (stored === undefined) throw new NoSuchEntryError(`Meta-profile '${name}' not found`);
    const full = completed(MetaProfileDto, stored);
    if (full) return full;
    throw new UnusableProfileError(`Meta-profile '${name}' is not valid`);
  }

  /** Lists all meta-profiles, sorted by name. Unreadable ones are left out and logged. */
  async list(): Promise<MetaProfileInfo[]> {
    const infos = (await this.files.names()).map(async (name) => {
      const profile = await this.load(name).catch((error: unknown) => {
        if (error instanceof UnusableProfileError || error instanceof NoSuchEntryError) return undefined;
        throw error;
      });
      if (!profile) return undefined;
      const { classifier_model, classes } = profile;
      const num_classes = Array.isArray(classes) ? classes.length : 0;
      return { name, classifier_model: asText(classifier_model), num_classes };
    });
    return (await Promise.all(infos)).filter((info) => info !== undefined);
  }

  /** @throws LimitReachedError */
  async save(writer: DocumentWriter, name: string, profile: JsonObject): Promise<void> {
    await this.files.write(writer, name, profile);
  }

  /** Deletes a meta-profile if it exists. */
  async remove(writer: DocumentWriter, name: string): Promise<void> {
    await this.files.remove(writer, name);
  }

  private async read(name: string): Promise<JsonObject | undefined> {
    try {
      return await this.files.read(name);
    } catch (error) {
      if (!(error instanceof DamagedDocumentError)) throw error;
      this.logger.warn(error.message);
      throw new UnusableProfileError(`Meta-profile '${name}' cannot be used: ${error.why}`);
    }
  }
}
