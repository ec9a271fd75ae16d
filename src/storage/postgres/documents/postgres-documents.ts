import { AsyncLocalStorage } from 'node:async_hooks';
import { SerialQueue } from '../../../flow/index.js';
import type { JsonObject } from '../../../json/index.js';
import { parseDocument } from '../../document-content.js';
import {
  type DocumentWriter,
  isUserDocument,
  isWorkspaceDocument,
  WorkspaceDocuments,
} from '../../documents.js';
import { DamagedDocumentError, DocumentsBusyError } from '../../document-errors.js';
import { StorageFailedError } from '../../storage-errors.js';
import { type Connections, type Database, OutcomeUnknownError } from '../database/index.js';
import { DocumentChange } from './document-change.js';
import { DocumentReads, type StoredText } from './document-reads.js';
import { wasStored } from './unknown-change.js';

/** The wait for the lock was ended by the time limit for statements. */
const TIMED_OUT = '57014';

/**
 * Documents as rows of the table `document`, for all servers of the database. A change is a transaction that
 * holds the lock of all documents: all of it is stored, or nothing. Nothing is cached, so that each read sees
 * the last change.
 */
export class PostgresDocuments extends WorkspaceDocuments {
  /** The change that the caller works for. */
  private readonly current = new AsyncLocalStorage<DocumentChange>();
  /** Changes of this server wait here, not each with a connection. */
  private readonly turns = new SerialQueue();
  private readonly reads: DocumentReads;
  /** A connection of their own: what a change waits for may need one of the others. */
  private readonly changes: Connections;

  constructor(private readonly database: Database) {
    super();
    this.changes = database.lane();
    this.reads = new DocumentReads(database);
  }

  async read(name: string): Promise<JsonObject | undefined> {
    const text = await this.readText(name);
    return text === undefined ? undefined : parseDocument(this.placeOf(name), text);
  }

  async names(folder: string): Promise<string[]> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const change = this.openChange();
    const all = change ? await change.names(prefix) : await this.reads.names(prefix);
    return all
      .map((name) => name.slice(prefix.length))
      .filter((name) => name.endsWith('.json') && !name.startsWith('.') && !name.includes('/'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort();
  }

  /** @throws DocumentsBusyError, StorageFailedError, and the errors of `work`; then nothing was changed */
  change<T>(work: (writer: DocumentWriter) => Promise<T>): Promise<T> {
    return this.turns.run(() => this.locked(work));
  }

  placeOf(name: string): string {
    return `${name} in the database`;
  }

  async list(): Promise<string[]> {
    const names = await this.reads.names('');
    return names.filter((name) => isUserDocument(name) || isWorkspaceDocument(name)).sort();
  }

  async readText(name: string): Promise<string | undefined> {
    const change = this.openChange();
    const found: StoredText | undefined = change ? await change.text(name) : await this.reads.text(name);
    if (found?.text === null) throw new DamagedDocumentError(this.placeOf(name), 'it is too large');
    return found?.text;
  }

  private async locked<T>(work: (writer: DocumentWriter) => Promise<T>): Promise<T> {
    let change: DocumentChange | undefined;
    let done: { result: T } | undefined;
    try {
      return await this.changes.transaction(async (transaction) => {
        const begun = await DocumentChange.begin(transaction, this.database.timeoutMs).catch(toBusyError);
        change = begun;
        done = { result: await this.current.run(begun, () => work(begun)) };
        return done.result;
      });
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError) || !change || !done) throw error;
      if (await wasStored(this.database, change.id, error)) return done.result;
      throw new StorageFailedError(error.code, error.cause, 'its database');
    } finally {
      change?.end();
    }
  }

  /** What `work` leaves running after the end of its change reads like anybody else. */
  private openChange(): DocumentChange | undefined {
    const change = this.current.getStore();
    return change?.isOpen ? change : undefined;
  }
}

function toBusyError(error: unknown): never {
  if (error instanceof StorageFailedError && error.code === TIMED_OUT) throw new DocumentsBusyError();
  throw error;
}
