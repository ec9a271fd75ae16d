import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { isFolder } from '../../files/index.js';
import { errorMessage, ConflictError } from '../../errors/index.js';
import type { Documents, DocumentWriter, LocalDocuments } from '../../storage/index.js';
import { InvalidExtensionError, notInstalled } from './extension-errors.js';
import { isExtensionName, type ExtensionKind } from './extension-kind.js';
import { InstalledFile, type InstalledExtension } from './installed-file.js';
import type { StagedExtension, Staging } from './staging.js';

/** A request to install an extension. */
interface InstallRequest {
  source: string;
  ref: string | null;
  repo_path: string | null;
  /** Replace an installed extension with the same name. */
  force: boolean;
}

/** Source of extensions that were copied manually. */
const MANUAL_SOURCE = 'local';

/**
 * The installed extensions of one kind: a folder for each and a list file, in the original's format. Folders
 * are replaced atomically: fetching and validation happen elsewhere, and a process that dies leaves the old
 * or the new one.
 */
export class Installation {
  private readonly logger = new Logger('Extensions');
  private readonly documents: Documents;
  /** Absolute path. */
  private readonly folder: string;
  private readonly file: InstalledFile;

  /**
   * @param root the user's folder (absolute path)
   * @param isOnlyHere other servers of the database do not see the folder
   */
  constructor(
    readonly kind: ExtensionKind,
    root: string,
    private readonly staging: Staging,
    documents: LocalDocuments,
    private readonly isOnlyHere = false,
  ) {
    this.folder = path.join(root, kind.directory, 'installed');
    this.documents = documents.open(this.folder);
    this.file = new InstalledFile(this.documents, this.folder);
  }

  /**
   * Lists the installed extensions. Manually copied folders are added; entries without a folder are ignored.
   * @throws DamagedDocumentError, StorageFailedError, FolderBusyError
   */
  async list(): Promise<InstalledExtension[]> {
    if (await this.staging.hasReplaced(this.kind.directory)) await this.change(() => Promise.resolve());
    const folders = await this.folders();
    const known = await this.file.read();
    const unknown = folders.filter((name) => !known.has(name));
    const adopted = unknown.length > 0 ? await this.adopt(unknown) : [];
    return [...[...known.values()].filter(({ name }) => folders.includes(name)), ...adopted];
  }

  /** @throws NotFoundError */
  async get(name: string): Promise<InstalledExtension> {
    const found = (await this.list()).find((extension) => extension.name === name);
    if (found) return found;
    throw notInstalled(this.kind.label, name);
  }

  /**
   * Fetches, validates and installs an extension. A replaced one stays enabled or disabled.
   * @throws SourceUnavailableError, InvalidExtensionError, ConflictError
   */
  async install(request: InstallRequest): Promise<InstalledExtension> {
    await this.list();
    return this.staging.stage(request, this.kind, (staged) => this.moveIntoPlace(staged, request));
  }

  /**
   * Fetches an extension again from its source. On failure the installed one is kept.
   * @throws NotFoundError, SourceUnavailableError, InvalidExtensionError
   */
  async refresh(name: string): Promise<InstalledExtension> {
    const { source, requested_ref: ref, repo_path } = await this.get(name);
    const request = { source, ref, repo_path, force: true };
    return this.staging.stage(request, this.kind, (staged) => {
      if (staged.metadata.name === name) return this.moveIntoPlace(staged, request);
      throw new InvalidExtensionError(`its source holds '${staged.metadata.name}' now`);
    });
  }

  /** @throws NotFoundError */
  async setEnabled(name: string, enabled: boolean): Promise<InstalledExtension> {
    await this.get(name);
    return this.change(async (writer) => {
      const entry = (await this.file.read()).get(name);
      if (!entry) throw notInstalled(this.kind.label, name);
      const changed = { ...entry, enabled };
      await this.file.write(writer, name, changed);
      this.warnOfOthers(name, enabled ? 'enabled' : 'disabled');
      return changed;
    });
  }

  /** @throws NotFoundError */
  async remove(name: string): Promise<void> {
    await this.get(name);
    await this.change(async (writer) => {
      await this.file.write(writer, name, undefined);
      const gone = await this.staging.newPath();
      await rename(path.join(this.folder, name), gone);
      await rm(gone, { recursive: true, force: true });
      this.warnOfOthers(name, 'removed');
    });
  }

  private moveIntoPlace(
    { folder, metadata, resolvedRef }: StagedExtension,
    request: InstallRequest,
  ): Promise<InstalledExtension> {
    const { name } = metadata;
    return this.change(async (writer) => {
      const before = (await this.file.read()).get(name);
      const target = path.join(this.folder, name);
      const isThere = await isFolder(target);
      if (isThere && !request.force) {
        throw new ConflictError(`${this.kind.label} already installed. Use force=true to overwrite.`);
      }
      const entry: InstalledExtension = {
        ...metadata,
        enabled: before?.enabled ?? this.kind.enabledByDefault,
        source: request.source,
        requested_ref: request.ref,
        resolved_ref: resolvedRef,
        repo_path: request.repo_path,
        installed_at: now(),
        install_path: target,
      };
      const replaced = this.staging.replacedPath(this.kind.directory, name);
      if (isThere) await rename(target, replaced);
      try {
        await rename(folder, target);
        await this.file.write(writer, name, entry);
      } catch (error) {
        await rm(target, { recursive: true, force: true });
        if (isThere) await rename(replaced, target);
        throw error;
      }
      await rm(replaced, { recursive: true, force: true });
      this.warnOfOthers(name, 'installed');
      return entry;
    });
  }

  /** Extensions are folders of files: the database does not bring them to the other servers. */
  private warnOfOthers(name: string, change: string): void {
    if (!this.isOnlyHere) return;
    this.logger.warn(
      `${this.kind.label} '${name}' is ${change} on this server only (${this.folder}): do the same on each server of the database, ` +
        'or put OH_PERSISTENCE_DIR on a volume that all of them share and set workspaces_shared',
    );
  }

  /** Changes the folder under its lock, after completing replacements of dead processes. */
  private change<T>(work: (writer: DocumentWriter) => Promise<T>): Promise<T> {
    return this.documents.change(async (writer) => {
      for (const { name, folder } of await this.staging.allReplaced(this.kind.directory)) {
        if (await isFolder(path.join(this.folder, name))) await rm(folder, { recursive: true, force: true });
        else await rename(folder, path.join(this.folder, name));
      }
      return work(writer);
    });
  }

  private adopt(names: readonly string[]): Promise<InstalledExtension[]> {
    return this.change(async (writer) => {
      const adopted: InstalledExtension[] = [];
      for (const name of names) {
        const install_path = path.join(this.folder, name);
        try {
          const facts = await this.kind.describe(install_path, { folderName: name, isRepository: false });
          if (facts.name !== name || (await this.file.read()).has(name)) continue;
          const refs = { requested_ref: null, resolved_ref: null, repo_path: null };
          const enabled = this.kind.enabledByDefault;
          const entry = {
            ...facts,
            enabled,
            source: MANUAL_SOURCE,
            ...refs,
            installed_at: now(),
            install_path,
          };
          await this.file.write(writer, name, entry);
          adopted.push(entry);
        } catch (error) {
          this.logger.warn(`${install_path} is ignored: ${errorMessage(error)}`);
        }
      }
      return adopted;
    });
  }

  private async folders(): Promise<string[]> {
    const entries = await readdir(this.folder, { withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isDirectory() && isExtensionName(entry.name))
      .map(({ name }) => name);
  }
}

/** UTC in the original's format. */
function now(): string {
  return new Date().toISOString().replace('Z', '000+00:00');
}
