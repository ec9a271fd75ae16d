import path from 'node:path';
import type { DocumentWriter, Documents } from '../../storage/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { isExtensionName } from './extension-kind.js';

const FILE = '.installed.json';

/** An installed extension: the original's fields in its order. */
export interface InstalledExtension {
  name: string;
  version: string;
  description: string;
  enabled: boolean;
  /** The requested source. */
  source: string;
  requested_ref: string | null;
  /** Installed commit; null if the source is not a repository. */
  resolved_ref: string | null;
  repo_path: string | null;
  /** UTC with microseconds. */
  installed_at: string;
  /** Absolute path. */
  install_path: string;
}

/** The list file `.installed.json`, which the original reads and writes, too. */
export class InstalledFile {
  /** @param folder absolute path of the folder of the documents, which also has the extensions */
  constructor(
    private readonly documents: Documents,
    private readonly folder: string,
  ) {}

  /**
   * Reads the entries by name, in order of installation. Invalid entries are ignored.
   * @throws DamagedDocumentError, StorageFailedError
   */
  async read(): Promise<Map<string, InstalledExtension>> {
    const { extensions } = (await this.documents.read(FILE)) ?? {};
    const entries = isJsonObject(extensions) ? Object.entries(extensions) : [];
    const known = entries.filter(([name, entry]) => isExtensionName(name) && isJsonObject(entry));
    return new Map(known.map(([name, entry]) => [name, this.entry(name, isJsonObject(entry) ? entry : {})]));
  }

  /**
   * Writes or removes one entry. The rest of the file is kept.
   * @throws DamagedDocumentError, StorageFailedError
   */
  async write(writer: DocumentWriter, name: string, entry: InstalledExtension | undefined): Promise<void> {
    const file = (await this.documents.read(FILE)) ?? {};
    const extensions = isJsonObject(file['extensions']) ? { ...file['extensions'] } : {};
    if (entry) extensions[name] = { ...entry };
    else Reflect.deleteProperty(extensions, name);
    await writer.write(FILE, { ...file, extensions });
  }

  private entry(name: string, entry: JsonObject): InstalledExtension {
    const text = (field: string): string | null => {
      const value = entry[field];
      return typeof value === 'string' ? value : null;
    };
    return {
      name,
      version: text('version') ?? '1.0.0',
      description: text('description') ?? '',
      enabled: entry['enabled'] !== false,
      source: text('source') ?? 'local',
      requested_ref: text('requested_ref'),
      resolved_ref: text('resolved_ref'),
      repo_path: text('repo_path'),
      installed_at: text('installed_at') ?? '',
      install_path: path.join(this.folder, name),
    };
  }
}
