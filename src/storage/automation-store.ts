import { asJsonObject, asText, type JsonObject } from '../json/index.js';

/** The states of a run that is not over. */
export const OPEN_RUN_STATUSES: readonly string[] = ['PENDING', 'RUNNING'];

/** Runs that are kept of each automation; of older ones only their number is. */
export const KEPT_RUNS = 1_000;

/** A run as it is stored: the fields that the storage uses, and others. Its id is never used twice. */
export interface StoredRun extends JsonObject {
  /** UUID. */
  id: string;
  automation_id: string;
  status: string;
  /** UTC. */
  created_at: string;
}

/** An automation as it is stored. */
export interface StoredAutomation {
  /** UUID. */
  id: string;
  /** What a person has set. */
  definition: JsonObject;
  /** What the server notes about it. */
  state: JsonObject;
  is_deleted: boolean;
}

/** What never changes about an automation: a creation depends on that of others. */
export interface AutomationIdentity {
  id: string;
  /** The named key that it works for; null: the administrator. */
  ownerKey: string | null;
  /** The template that it was made from; null: none. */
  template: string | null;
}

/** An automation with what a change of it may depend on. */
export interface AutomationView extends StoredAutomation {
  /** Its runs that are not over, oldest first. */
  open: readonly StoredRun[];
  /** Those of the runs that were asked for which exist. */
  runs: ReadonlyMap<string, StoredRun>;
}

/** What a change writes, all of it or nothing. */
export interface AutomationChange {
  definition?: JsonObject;
  state?: JsonObject;
  is_deleted?: true;
  /** New runs, and changed ones as a whole. */
  runs?: readonly StoredRun[];
}

/** What a change comes to. Without `change` nothing is written. */
export interface AutomationDecision<T> {
  change?: AutomationChange;
  result: T;
}

/** A page of the runs of an automation, newest first. */
export interface RunPage {
  runs: StoredRun[];
  /** Of all runs that there ever were. */
  total: number;
  /** The same by status. */
  counts: Record<string, number>;
}

/** Where the file driver stores automations: an absolute path. */
export abstract class AutomationStoreOptions {
  abstract readonly folder: string;
}

/**
 * Automations and their runs, of all servers of the storage. An automation and its runs are changed together:
 * one change at a time, of all servers. A deleted automation is not listed any more. It is removed with its
 * runs as soon as none of them is open.
 */
export abstract class AutomationStore {
  /** All that are not deleted, in no order. @throws StorageFailedError */
  abstract list(): Promise<StoredAutomation[]>;

  /** One that is not deleted; undefined if there is none. @throws StorageFailedError */
  abstract get(id: string): Promise<StoredAutomation | undefined>;

  /**
   * Adds an automation unless `find` names another one to use instead.
   * @param find gets all that are not deleted, and returns the id of one; what it throws is thrown. It may be
   *   called twice
   * @returns the one that was added or found
   * @throws StorageFailedError
   */
  abstract create(
    added: { id: string; definition: JsonObject; state: JsonObject },
    find: (others: readonly AutomationIdentity[]) => string | undefined,
  ): Promise<{ automation: StoredAutomation; created: boolean }>;

  /**
   * Changes an automation, also a deleted one, and its runs.
   * @param runIds runs that `work` needs to know besides those that are not over
   * @param work decides; it may be called several times, and must not change what it gets
   * @returns the result of `work`; undefined if there is no automation with the id
   * @throws what `work` throws, StorageFailedError
   */
  abstract change<T>(
    id: string,
    runIds: readonly string[],
    work: (view: AutomationView) => AutomationDecision<T>,
  ): Promise<T | undefined>;

  /** A page of runs; undefined if there is no automation with the id. @throws StorageFailedError */
  abstract runs(id: string, offset: number, limit: number): Promise<RunPage | undefined>;

  /** A run, also an open one of a deleted automation; undefined without one. @throws StorageFailedError */
  abstract run(id: string): Promise<StoredRun | undefined>;

  /** All runs that are not over, oldest first, also of deleted automations. @throws StorageFailedError */
  abstract openRuns(): Promise<StoredRun[]>;
}

/** What the definition of an automation says about its identity. */
export function identityOf(id: string, { owner_key: owner, template }: JsonObject): AutomationIdentity {
  return { id, ownerKey: asText(owner), template: asText(asJsonObject(template)['id']) };
}

/** Whether a run is not over. */
export function isOpenRun({ status }: Pick<StoredRun, 'status'>): boolean {
  return OPEN_RUN_STATUSES.includes(status);
}

/** Characters of an automation's id that the ids of its runs begin with. */
export const RUN_ID_PREFIX = 8;
