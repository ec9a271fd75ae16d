import type { JsonObject } from '../json/index.js';

/** Maximum size of a document in bytes, for reading and writing. */
export const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;

/**
 * JSON objects by name, such as `settings.json` or `profiles/fast.json`, that all servers of the storage
 * share. What one server has changed the others read from then on. Callers must validate names from clients.
 */
export abstract class Documents {
  /**
   * The object of a document; undefined if there is none.
   * @throws DamagedDocumentError for anything that is not a JSON object, StorageFailedError
   */
  abstract read(name: string): Promise<JsonObject | undefined>;

  /** The names of the documents of a folder without the folder and without `.json`, sorted. */
  abstract names(folder: string): Promise<string[]>;

  /**
   * Changes documents. One change runs at a time, of all servers. Documents that the change depends on must
   * be read inside `work`, where reads see what was written before.
   * @throws errors of `work`; an error of kind `unavailable` if others change documents for too long;
   *   StorageFailedError
   */
  abstract change<T>(work: (writer: DocumentWriter) => Promise<T>): Promise<T>;

  /** Where a document is stored, for messages. It also identifies the document. */
  abstract placeOf(name: string): string;

  /** The full names of all documents of the server, damaged ones and copies included, sorted. For moving. */
  abstract list(): Promise<string[]>;

  /**
   * The stored text of a document, whatever it is; undefined if there is none. For moving.
   * @throws DamagedDocumentError if it is no text or too large, StorageFailedError
   */
  abstract readText(name: string): Promise<string | undefined>;
}

/** Writes documents during a change. */
export abstract class DocumentWriter {
  /** Replaces a document. @throws DocumentTooLargeError */
  abstract write(name: string, value: JsonObject): Promise<void>;

  /** Replaces a document by a text as it is. For moving. @throws DocumentTooLargeError */
  abstract writeText(name: string, text: string): Promise<void>;

  /** Renames a damaged document, so that its content is not lost. */
  abstract setAside(name: string): Promise<void>;

  /** Removes a document if it exists. */
  abstract remove(name: string): Promise<void>;
}

/** The documents about workspaces and conversations. The file driver stores them beside the conversations. */
export abstract class WorkspaceDocuments extends Documents {}

/** Documents in a folder of this machine, whatever the driver: they describe the files beside them. */
export abstract class LocalDocuments {
  /** @param folder absolute path; it need not exist */
  abstract open(folder: string): Documents;
}

/** The one document about workspaces. */
export const WORKSPACES_DOCUMENT = 'workspaces.json';

/** The one document about runs that wait for a free slot. */
export const RUN_QUEUE_DOCUMENT = 'run-queue.json';

/** The one document about sources of events for automations. */
export const AUTOMATION_WEBHOOKS_DOCUMENT = 'automation-webhooks.json';

/** The one document about named keys. */
export const KEYS_DOCUMENT = 'api-keys.json';

/**
 * Documents of the user, with copies that were kept (`.old`, `.damaged-…`). Other programs have further files
 * in the same folder; the sign-in that they share (`auth/openai_oauth.json`) is theirs.
 */
const USER_DOCUMENT =
  /^(settings|secrets|api-keys|automation-webhooks|(profiles|agent-profiles|meta-profiles|provider-connections|shares|key-usage)\/[^/.][^/]*|auth\/openai_oauth\.sealed)\.json(\.(old|damaged-\d+))?$/;
const WORKSPACE_DOCUMENT = /^(workspaces|run-queue)\.json(\.damaged-\d+)?$/;

/** Whether a name is one of a document about the user's settings, profiles and secrets. */
export function isUserDocument(name: string): boolean {
  return USER_DOCUMENT.test(name);
}

/** Whether a name is one of a document about workspaces. */
export function isWorkspaceDocument(name: string): boolean {
  return WORKSPACE_DOCUMENT.test(name);
}

/** The folders of user documents; the empty one is that of names without a folder. */
export const DOCUMENT_FOLDERS: readonly string[] = [
  '',
  'profiles',
  'agent-profiles',
  'meta-profiles',
  'provider-connections',
  'auth',
  'shares',
  'key-usage',
];
