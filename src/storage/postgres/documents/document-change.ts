import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../json/index.js';
import { documentText, withinLimit } from '../../document-content.js';
import { DocumentWriter } from '../../documents.js';
import type { Transaction } from '../database/index.js';
import { readNames, readTexts, type StoredText } from './document-reads.js';

/**
 * Takes the lock of all documents, which is the one row of `document_state`, and records the change, so that
 * its outcome can be read if the connection is lost during the commit. A server that freezes in the middle
 * holds the lock no longer than the time limit.
 */
const BEGIN = `
  WITH state AS (
    UPDATE document_state SET version = version + 1
    RETURNING version, set_config('idle_in_transaction_session_timeout', $2, true)
  ), recorded AS (
    INSERT INTO document_change (id) VALUES ($1)
  ), forgotten AS (
    DELETE FROM document_change WHERE at < now() - interval '1 day'
  )
  SELECT version FROM state`;

const WRITE = `
  INSERT INTO document (name, version, content) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE
    SET version = EXCLUDED.version, content = EXCLUDED.content, updated_at = now()`;

/** A change of documents: a transaction that holds their lock. */
export class DocumentChange extends DocumentWriter {
  isOpen = true;

  private constructor(
    private readonly transaction: Transaction,
    readonly id: string,
    private readonly version: number,
  ) {
    super();
  }

  /** Waits for the changes of other servers. */
  static async begin(transaction: Transaction, timeoutMs: number): Promise<DocumentChange> {
    const id = randomUUID();
    const { rows } = await transaction.query<{ version: number }>(BEGIN, [id, `${Math.ceil(timeoutMs)}ms`]);
    const [state] = rows;
    if (!state) throw new Error('the table document_state has lost its row');
    return new DocumentChange(transaction, id, state.version);
  }

  /** Reads and writes of `work` that come too late are not part of the change. */
  end(): void {
    this.isOpen = false;
  }

  names(prefix: string): Promise<string[]> {
    return readNames(this.transaction, prefix);
  }

  async text(name: string): Promise<StoredText | undefined> {
    return (await readTexts(this.transaction, [name])).get(name);
  }

  async write(name: string, value: JsonObject): Promise<void> {
    await this.put(name, documentText(value));
  }

  async writeText(name: string, text: string): Promise<void> {
    await this.put(name, withinLimit(text));
  }

  async setAside(name: string): Promise<void> {
    await this.run(`UPDATE document SET name = $2, version = $3 WHERE name = $1`, [
      name,
      `${name}.damaged-${Date.now()}`,
      this.version,
    ]);
  }

  async remove(name: string): Promise<void> {
    await this.run(`DELETE FROM document WHERE name = $1`, [name]);
  }

  private async put(name: string, text: string): Promise<void> {
    await this.run(WRITE, [name, this.version, text]);
  }

  private async run(text: string, values: readonly unknown[]): Promise<void> {
    if (!this.isOpen) throw new Error('the change of documents is over');
    await this.transaction.query(text, values);
  }
}
