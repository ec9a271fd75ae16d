import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { CorruptedStoreError, LimitReachedError, NoSuchEntryError } from '../settings-errors.js';
import { WorkspaceDocuments, WORKSPACES_DOCUMENT } from '../../storage/index.js';
import { SingleDocument } from '../store/single-document.js';

const VERSION = 1;
const LIMIT = 10_000;

/** The lists in the file: workspaces, and folders that contain workspaces. */
type WorkspaceList = 'workspaces' | 'workspaceParents';

/** The stored lists. */
export type StoredWorkspaces = Record<WorkspaceList, JsonObject[]>;

/** The workspace folders that a user has selected (`workspaces.json`). */
@Injectable()
export class Workspaces {
  private readonly file: SingleDocument;

  constructor(private readonly documents: WorkspaceDocuments) {
    this.file = new SingleDocument(
      documents,
      WORKSPACES_DOCUMENT,
      () => new CorruptedStoreError('Workspaces file'),
    );
  }

  /** @throws CorruptedStoreError */
  async all(): Promise<StoredWorkspaces> {
    const { workspaces, workspaceParents } = await this.load();
    return { workspaces, workspaceParents };
  }

  /**
   * Adds entries. Entries with a known path are ignored.
   * @throws CorruptedStoreError, LimitReachedError
   */
  add(list: WorkspaceList, entries: readonly JsonObject[]): Promise<StoredWorkspaces> {
    return this.change(list, (before) => {
      const paths = new Set(before.map(({ path }) => path));
      const added = entries.filter(({ path }) => !paths.has(path) && paths.add(path));
      if (before.length + added.length > LIMIT) {
        throw new LimitReachedError(`Workspace limit reached (${LIMIT}). Delete some before adding others.`);
      }
      return [...before, ...added];
    });
  }

  /** @throws CorruptedStoreError, NoSuchEntryError */
  async remove(list: WorkspaceList, path: string): Promise<void> {
    await this.change(list, (before) => {
      const rest = before.filter((entry) => entry['path'] !== path);
      if (rest.length < before.length) return rest;
      throw new NoSuchEntryError(`${list === 'workspaces' ? 'Workspace' : 'Workspace parent'} not found`);
    });
  }

  private change(
    list: WorkspaceList,
    work: (before: JsonObject[]) => JsonObject[],
  ): Promise<StoredWorkspaces> {
    return this.documents.change(async (writer) => {
      const stored = await this.load();
      const next = { ...stored, [list]: work(stored[list]) };
      const { file, workspaces, workspaceParents } = next;
      await writer.write(WORKSPACES_DOCUMENT, {
        schema_version: VERSION,
        ...file,
        workspaces,
        workspaceParents,
      });
      return { workspaces, workspaceParents };
    });
  }

  private async load(): Promise<StoredWorkspaces & { file: JsonObject }> {
    const file = (await this.file.read()) ?? {};
    return {
      file,
      workspaces: this.entries(file['workspaces']),
      workspaceParents: this.entries(file['workspaceParents']),
    };
  }

  private entries(value: unknown = []): JsonObject[] {
    const isList = Array.isArray(value) && value.every((entry) => isJsonObject(entry));
    if (isList) return value.filter(isJsonObject);
    throw this.file.unusable('it does not contain lists of workspaces');
  }
}
