import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ENCRYPTED_PLACES, FileSecrets } from '../../crypto/index.js';
import { asJsonObject, asText, isJsonObject, type JsonObject } from '../../json/index.js';
import { hasSecret } from '../dto/secret-text.js';
import {
  DanglingConnectionError,
  LimitReachedError,
  NoSuchEntryError,
  UnreadableStoreError,
} from '../settings-errors.js';
import { Documents, type DocumentWriter } from '../../storage/index.js';
import { SingleDocument } from '../store/single-document.js';

const FILE = 'provider-connections/provider_connections.json';
const VERSION = 1;
const LIMIT = 64;

/** An API key and a URL that several LLM profiles share. */
export interface ProviderConnection {
  /** 32 hexadecimal digits. */
  id: string;
  display_name: string;
  provider: string;
  api_key: string | null;
  base_url: string | null;
  /** Unix seconds. */
  created_at: number;
  updated_at: number;
}

/** The fields that clients can set. */
export type ConnectionFields = Pick<ProviderConnection, 'display_name' | 'provider' | 'api_key' | 'base_url'>;

/** The provider connections of a user, in one file. */
@Injectable()
export class ProviderConnections {
  private readonly file: SingleDocument;

  constructor(
    documents: Documents,
    private readonly secrets: FileSecrets,
  ) {
    this.file = new SingleDocument(
      documents,
      FILE,
      () => new UnreadableStoreError('Provider connections file'),
    );
  }

  /**
   * All connections, API keys in clear. An API key that cannot be decrypted is null.
   * @throws UnreadableStoreError
   */
  async all(): Promise<ProviderConnection[]> {
    return (await this.stored()).entries.map(toConnection);
  }

  /** @throws UnreadableStoreError, NoSuchEntryError */
  async get(id: string): Promise<ProviderConnection> {
    const found = (await this.all()).find((connection) => connection.id === id);
    if (found) return found;
    throw new NoSuchEntryError(`Provider connection '${id.slice(0, 200)}' not found`);
  }

  /**
   * Sets the API key and URL of an LLM to those of its connection, if it has one.
   * @param subject name of the LLM in the error message
   * @throws DanglingConnectionError, UnreadableStoreError
   */
  async resolve(llm: JsonObject, subject: string): Promise<JsonObject> {
    const id = asText(llm['provider_connection_id']);
    if (id === null) return llm;
    const found = (await this.all()).find((connection) => connection.id === id);
    if (!found) throw new DanglingConnectionError(subject, id);
    return { ...llm, api_key: found.api_key, base_url: found.base_url };
  }

  /** @throws LimitReachedError */
  async create(writer: DocumentWriter, fields: ConnectionFields): Promise<ProviderConnection> {
    const { entries, file } = await this.stored();
    if (entries.length >= LIMIT) {
      throw new LimitReachedError(
        `Provider connection limit reached (${LIMIT}). Delete one before adding another.`,
      );
    }
    const now = Math.floor(Date.now() / 1000);
    const id = randomUUID().replaceAll('-', '');
    const connection = { id, ...fields, created_at: now, updated_at: now };
    await this.save(writer, file, [...entries, { ...connection }]);
    return connection;
  }

  /** @throws NoSuchEntryError */
  async update(
    writer: DocumentWriter,
    id: string,
    fields: Partial<ConnectionFields>,
  ): Promise<ProviderConnection> {
    const before = await this.get(id);
    const { entries, file } = await this.stored();
    const connection = { ...before, ...fields, updated_at: Math.floor(Date.now() / 1000) };
    const next = entries.map((entry) => (entry['id'] === id ? { ...entry, ...connection } : entry));
    await this.save(writer, file, next);
    return connection;
  }

  /** Deletes a connection. */
  async remove(writer: DocumentWriter, id: string): Promise<void> {
    const { entries, file } = await this.stored();
    const rest = entries.filter((entry) => entry['id'] !== id);
    await this.save(writer, file, rest);
  }

  /** The content of the file, and its entries with secrets in clear. */
  private async stored(): Promise<{ file: JsonObject; entries: JsonObject[] }> {
    const file = (await this.file.read()) ?? {};
    const { value } = this.secrets.open(this.file.path, secretsById(this.entriesOf(file), file));
    return { file, entries: this.entriesOf(file).map((entry) => withSecrets(entry, value)) };
  }

  private async save(writer: DocumentWriter, file: JsonObject, entries: JsonObject[]): Promise<void> {
    const before = secretsById(this.entriesOf(file), file);
    const sealed = this.secrets.seal(this.file.path, secretsById(entries), before);
    const { [ENCRYPTED_PLACES]: _former, ...rest } = file;
    const { [ENCRYPTED_PLACES]: tokens } = sealed;
    await writer.write(FILE, {
      schema_version: VERSION,
      ...rest,
      connections: entries.map((entry) => withSecrets(entry, sealed)),
      ...(tokens !== undefined && { [ENCRYPTED_PLACES]: tokens }),
    });
  }

  private entriesOf({ connections = [] }: JsonObject): JsonObject[] {
    if (!Array.isArray(connections)) throw this.file.unusable('it contains no list of connections');
    return connections.filter(isJsonObject).filter(({ id }) => typeof id === 'string');
  }
}

/** Keys and URLs by id, so that encryption does not depend on the position in the list. */
function secretsById(
  entries: readonly JsonObject[],
  { [ENCRYPTED_PLACES]: tokens }: JsonObject = {},
): JsonObject {
  const byId = (of: (entry: JsonObject) => unknown): JsonObject =>
    Object.fromEntries(entries.map((entry) => [String(entry['id']), of(entry)]));
  return {
    secrets: byId(({ api_key }) => asText(api_key)),
    addresses: byId(({ base_url }) => ({ base_url: asText(base_url) })),
    ...(tokens !== undefined && { [ENCRYPTED_PLACES]: tokens }),
  };
}

/** Sets the key and URL of an entry from those by id. */
function withSecrets(entry: JsonObject, { secrets, addresses }: JsonObject): JsonObject {
  const id = String(entry['id']);
  const { base_url } = asJsonObject(asJsonObject(addresses)[id]);
  return { ...entry, api_key: asJsonObject(secrets)[id] ?? null, base_url: base_url ?? null };
}

function toConnection(entry: JsonObject): ProviderConnection {
  return {
    id: String(entry['id']),
    display_name: asText(entry['display_name']) ?? '',
    provider: asText(entry['provider']) ?? 'custom',
    api_key: hasSecret(entry['api_key']) ? entry['api_key'] : null,
    base_url: asText(entry['base_url']),
    created_at: Number(entry['created_at'] ?? 0),
    updated_at: Number(entry['updated_at'] ?? 0),
  };
}
