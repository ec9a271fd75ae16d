import { Injectable, Logger } from '@nestjs/common';
import { isJsonObject } from '../http/field-type.js';
import type { JsonObject } from '../storage/index.js';
import {
  CorruptedStoreError,
  DamagedFileError,
  LimitReachedError,
  NoSuchEntryError,
} from './settings-errors.js';
import type { PersistenceFolder } from './store/persistence-folder.js';

const FILE = 'workspaces.json';
const VERSION = 1;
const LIMIT = 10_000;

/** The two lists of the file: folders to work in, and folders that hold such. */
export type WorkspaceList = 'workspaces' | 'workspaceParents';

/** What is stored. */
export type StoredWorkspaces = Record<WorkspaceList, JsonObject[]>;

/** The folders that a user has picked to work in: `workspaces.json`. */
@Injectable()
export class Workspaces {
  private readonly logger = new Logger('Settings');

  constructor(private readonly folder: PersistenceFolder) {}

  /** @throws CorruptedStoreError */
  async all(): Promise<StoredWorkspaces> {
    const { workspaces, workspaceParents } = await this.load();
    return { workspaces, workspaceParents };
  }

  /**
   * Adds entries, those excepted whose path is there already.
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
      const left = before.filter((entry) => entry['path'] !== path);
      if (left.length < before.length) return left;
      throw new NoSuchEntryError(`${list === 'workspaces' ? 'Workspace' : 'Workspace parent'} not found`);
    });
  }

  private change(
    list: WorkspaceList,
    work: (before: JsonObject[]) => JsonObject[],
  ): Promise<StoredWorkspaces> {
    return this.folder.change(async (writer) => {
      const stored = await this.load();
      const next = { ...stored, [list]: work(stored[list]) };
      const { file, workspaces, workspaceParents } = next;
      await writer.write(FILE, { schema_version: VERSION, ...file, workspaces, workspaceParents });
      return { workspaces, workspaceParents };
    });
  }

  private async load(): Promise<StoredWorkspaces & { file: JsonObject }> {
    const file = (await this.read()) ?? {};
    return {
      file,
      workspaces: this.entries(file['workspaces']),
      workspaceParents: this.entries(file['workspaceParents']),
    };
  }

  private entries(value: unknown = []): JsonObject[] {
    const isList = Array.isArray(value) && value.every((entry) => isJsonObject(entry));
    if (isList) return value.filter(isJsonObject);
    throw this.corrupted('it does not hold lists of workspaces');
  }

  private async read(): Promise<JsonObject | undefined> {
    try {
      return await this.folder.read(FILE);
    } catch (error) {
      if (error instanceof DamagedFileError) throw this.corrupted(error.why);
      throw error;
    }
  }

  private corrupted(why: string): CorruptedStoreError {
    this.logger.error(`${this.folder.path(FILE)} cannot be used and is left as it is: ${why}`);
    return new CorruptedStoreError('Workspaces file');
  }
}
