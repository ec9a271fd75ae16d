import { randomBytes } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { KeyReach, KeyScope } from '../../auth/index.js';
import { formatNamedKey } from '../../crypto/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { DamagedDocumentError, Documents, KEYS_DOCUMENT } from '../../storage/index.js';
import { KeyNameTakenError, KeysUnusableError, TooManyKeysError, UnknownKeyError } from './key-errors.js';
import { type KeyRecord, readKeyRecord } from './key-record.js';
import { hashSecret } from './secret-hash.js';

const VERSION = 1;
/** Most keys of a server. */
export const MAX_KEYS = 500;

/** What a new key is to be. */
export interface NewKey {
  name: string;
  scope: KeyScope;
  reach: KeyReach;
  expires_at: string | null;
  limits: JsonObject;
}

/** What may be changed about a key. Its rights may not: those who know it rely on them. */
export type KeyChange = Partial<Pick<NewKey, 'name' | 'expires_at' | 'limits'>>;

/** All keys by id. */
export type KeyRecords = ReadonlyMap<string, KeyRecord>;

/**
 * The named keys, in one document that all servers of the storage and the command line share. Secrets are
 * hashed; only `create` ever returns one.
 */
@Injectable()
export class KeyStore {
  private readonly logger = new Logger('Keys');
  private reported = '';

  constructor(private readonly documents: Documents) {}

  /** @throws KeysUnusableError, StorageFailedError */
  async all(): Promise<KeyRecords> {
    return this.readable(await this.load());
  }

  /** Makes a key. @throws KeyNameTakenError, TooManyKeysError, KeysUnusableError, StorageFailedError */
  async create(wanted: NewKey): Promise<{ record: KeyRecord; key: string }> {
    const id = randomBytes(8).toString('hex');
    const secret = randomBytes(32).toString('base64url');
    const hash = await hashSecret(secret);
    const created_at = new Date().toISOString();
    const record: KeyRecord = { id, ...wanted, created_at, last_used_at: null, hash };
    await this.change((stored, records) => {
      if (Object.keys(stored).length >= MAX_KEYS) throw new TooManyKeysError(MAX_KEYS);
      assertUnused(records, record);
      return [{ ...stored, [id]: toStored(record) }, undefined];
    });
    return { record, key: formatNamedKey(id, secret) };
  }

  /**
   * The key with an id or a name.
   * @throws UnknownKeyError, KeysUnusableError, StorageFailedError
   */
  async get(key: string): Promise<KeyRecord> {
    return named(await this.all(), key);
  }

  /**
   * Changes the key with an id or a name.
   * @throws UnknownKeyError, KeyNameTakenError, KeysUnusableError, StorageFailedError
   */
  update(key: string, change: KeyChange): Promise<KeyRecord> {
    return this.change((stored, records) => {
      const changed = { ...named(records, key), ...change };
      assertUnused(records, changed);
      return [{ ...stored, [changed.id]: toStored(changed) }, changed];
    });
  }

  /**
   * Revokes the key with an id or a name: it is removed, even if it cannot be read.
   * @returns its id
   * @throws UnknownKeyError, KeysUnusableError, StorageFailedError
   */
  revoke(key: string): Promise<string> {
    return this.change((stored, records) => {
      const id = Object.hasOwn(stored, key) ? key : named(records, key).id;
      const { [id]: _revoked, ...rest } = stored;
      return [rest, id];
    });
  }

  /** Notes when keys were used; those that are gone are ignored. @throws as `update` */
  async noteUses(uses: ReadonlyMap<string, string>): Promise<void> {
    await this.change((stored, records) => {
      const next = { ...stored };
      for (const [id, last_used_at] of uses) {
        const record = records.get(id);
        if (record) next[id] = toStored({ ...record, last_used_at });
      }
      return [next, undefined];
    });
  }

  /** @param work the stored keys after the change, and its result */
  private change<T>(work: (stored: JsonObject, records: KeyRecords) => [JsonObject, T]): Promise<T> {
    return this.documents.change(async (writer) => {
      const stored = await this.load();
      const [keys, result] = work(stored, this.readable(stored));
      await writer.write(KEYS_DOCUMENT, { schema_version: VERSION, keys });
      return result;
    });
  }

  private readable(stored: JsonObject): KeyRecords {
    const records = new Map<string, KeyRecord>();
    const damaged: string[] = [];
    for (const [id, value] of Object.entries(stored)) {
      const record = readKeyRecord(id, value);
      if (record) records.set(id, record);
      else damaged.push(id);
    }
    if (damaged.length > 0) this.report(`keys that cannot be read are not accepted: ${damaged.join(', ')}`);
    return records;
  }

  /** The stored keys, as they are. */
  private async load(): Promise<JsonObject> {
    try {
      const document = await this.documents.read(KEYS_DOCUMENT);
      if (document === undefined) return {};
      const { schema_version: version, keys } = document;
      if (version === VERSION && isJsonObject(keys)) return keys;
      throw this.unusable('it is not a list of keys of this version of the server');
    } catch (error) {
      if (error instanceof DamagedDocumentError) throw this.unusable(error.why);
      throw error;
    }
  }

  private unusable(why: string): KeysUnusableError {
    this.report(
      `${this.documents.placeOf(KEYS_DOCUMENT)} cannot be used, so no named key is accepted: ${why}`,
    );
    return new KeysUnusableError();
  }

  /** The keys are read often: a problem is logged once, until another one appears. */
  private report(problem: string): void {
    if (problem !== this.reported) this.logger.error(problem);
    this.reported = problem;
  }
}

/** Names that differ only in case are too easily confused. */
function assertUnused(records: KeyRecords, { id, name }: KeyRecord): void {
  const folded = name.toLowerCase();
  for (const other of records.values())
    if (other.id !== id && other.name.toLowerCase() === folded) throw new KeyNameTakenError(other.name);
}

function named(records: KeyRecords, key: string): KeyRecord {
  const folded = key.toLowerCase();
  const found = records.get(key) ?? [...records.values()].find(({ name }) => name.toLowerCase() === folded);
  if (!found) throw new UnknownKeyError();
  return found;
}

function toStored({ id: _id, ...fields }: KeyRecord): JsonObject {
  return { ...fields, hash: { ...fields.hash } };
}
