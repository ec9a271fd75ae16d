import { createHash } from 'node:crypto';
import type { Cipher } from '../../../crypto/index.js';
import { ExpiringRecords, type ExpiringRecord } from '../../expiring-records.js';
import type { Database } from '../database/index.js';

const UNTIL = `now() + $4 * interval '1 millisecond'`;

const ADD = `
  INSERT INTO expiring_record AS known (kind, id, content, expires_at, version)
  SELECT $1, $2, $3, ${UNTIL}, 1
  WHERE (SELECT count(*) FROM expiring_record WHERE kind = $1 AND expires_at > now()) < $5::float8
  ON CONFLICT (kind, id) DO UPDATE
    SET content = EXCLUDED.content, expires_at = EXCLUDED.expires_at, version = known.version + 1
    WHERE known.expires_at <= now()`;

const PUT = `
  INSERT INTO expiring_record AS known (kind, id, content, expires_at, version)
  VALUES ($1, $2, $3, ${UNTIL}, 1)
  ON CONFLICT (kind, id) DO UPDATE
    SET content = EXCLUDED.content, expires_at = EXCLUDED.expires_at, version = known.version + 1`;

const REPLACE = `
  UPDATE expiring_record SET content = $3, expires_at = ${UNTIL}, version = version + 1
  WHERE kind = $1 AND id = $2 AND version = $5 AND expires_at > now()`;

/**
 * Records as rows, by the clock of the database. Their content is encrypted, and their ids are stored as
 * digests: some are secrets, too.
 */
export class PostgresRecords extends ExpiringRecords {
  readonly isShared = true;

  /** @param cipher has a key */
  constructor(
    private readonly database: Database,
    private readonly cipher: Cipher,
  ) {
    super();
  }

  async add(kind: string, id: string, content: string, ttlMs: number, limit = Infinity): Promise<boolean> {
    await this.database.query('DELETE FROM expiring_record WHERE expires_at <= now()');
    const values = [kind, digest(id), this.cipher.encrypt(content), ttlMs, limit];
    return (await this.database.query(ADD, values)).rowCount > 0;
  }

  async read(kind: string, id: string): Promise<ExpiringRecord | undefined> {
    const { rows } = await this.database.read<ExpiringRecord>(
      'SELECT content, version FROM expiring_record WHERE kind = $1 AND id = $2 AND expires_at > now()',
      [kind, digest(id)],
    );
    const [record] = rows;
    if (!record) return undefined;
    // A record of servers with another key is none for this one.
    const content = this.cipher.decrypt(record.content);
    return content === undefined ? undefined : { content, version: record.version };
  }

  async replace(
    kind: string,
    id: string,
    content: string,
    ttlMs: number,
    version?: number,
  ): Promise<boolean> {
    const values = [kind, digest(id), this.cipher.encrypt(content), ttlMs];
    const { rowCount } = await (version === undefined
      ? this.database.query(PUT, values)
      : this.database.query(REPLACE, [...values, version]));
    return rowCount > 0;
  }

  async remove(kind: string, id: string): Promise<boolean> {
    const { rowCount } = await this.database.query(
      'DELETE FROM expiring_record WHERE kind = $1 AND id = $2 AND expires_at > now()',
      [kind, digest(id)],
    );
    return rowCount > 0;
  }

  async removeAll(kind: string): Promise<void> {
    await this.database.query('DELETE FROM expiring_record WHERE kind = $1', [kind]);
  }
}

function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
