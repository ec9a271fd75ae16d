import { Injectable } from '@nestjs/common';
import { Cipher, FileSecrets, isToken, MASK } from '../../crypto/index.js';
import { asJsonObject, asText, isJsonObject, type JsonObject } from '../../json/index.js';
import {
  LimitReachedError,
  NoSuchEntryError,
  RefusedSettingsError,
  UnreadableStoreError,
} from '../settings-errors.js';
import { Documents } from '../../storage/index.js';
import { SingleDocument } from '../store/single-document.js';

const FILE = 'secrets.json';
const NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,63}$/;
const LIMIT = 1000;

/** A secret without its value. */
export interface SecretItem {
  name: string;
  description: string | null;
}

/** The secrets of a user, for commands and tools of conversations (`secrets.json`). */
@Injectable()
export class UserSecrets {
  private readonly file: SingleDocument;

  constructor(
    private readonly documents: Documents,
    private readonly secrets: FileSecrets,
    private readonly cipher: Cipher,
  ) {
    this.file = new SingleDocument(documents, FILE, () => new UnreadableStoreError('Secrets file'));
  }

  /**
   * Lists all secrets, including those that no key decrypts. For a damaged file, the list is empty, as in the
   * original, and an error is logged.
   */
  async list(): Promise<SecretItem[]> {
    try {
      const { entries } = await this.read();
      return Object.entries(entries).map(([name, entry]) => toItem(name, asJsonObject(entry)));
    } catch (error) {
      if (error instanceof UnreadableStoreError) return [];
      throw error;
    }
  }

  /**
   * The value of a secret.
   * @throws RefusedSettingsError for no name, NoSuchEntryError, UnreadableStoreError
   */
  async value(name: string): Promise<string> {
    assertName(name);
    const { values } = await this.load();
    const value = Object.hasOwn(values, name) ? asText(values[name]) : null;
    if (value === null) throw new NoSuchEntryError('Secret not found');
    return value;
  }

  /**
   * Stores a secret. Replaces one of the same name.
   * @throws RefusedSettingsError, UnreadableStoreError, LimitReachedError
   */
  put(name: string, value: string, description: string | null): Promise<SecretItem> {
    assertName(name);
    if (value.trim() === '' || value === MASK) {
      throw new RefusedSettingsError('Secret value must not be empty or redacted');
    }
    // Clients may send the value as a token that this server encrypted.
    const plain = isToken(value) ? (this.cipher.decrypt(value) ?? value) : value;
    return this.change(({ entries, values }) => {
      const isNew = !Object.hasOwn(entries, name);
      if (isNew && Object.keys(entries).length >= LIMIT) {
        throw new LimitReachedError(`Secret limit reached (${LIMIT}). Delete one before adding another.`);
      }
      const entry = { ...asJsonObject(entries[name]), name, description };
      return {
        next: { entries: { ...entries, [name]: entry }, values: { ...values, [name]: plain } },
        result: { name, description },
      };
    });
  }

  /** @throws RefusedSettingsError for no name, NoSuchEntryError, UnreadableStoreError */
  remove(name: string): Promise<void> {
    assertName(name);
    return this.change(({ entries, values }) => {
      if (!Object.hasOwn(entries, name)) throw new NoSuchEntryError('Secret not found');
      return { next: { entries: without(entries, name), values: without(values, name) }, result: undefined };
    });
  }

  private change<T>(work: (stored: Entries) => { next: Entries; result: T }): Promise<T> {
    return this.documents.change(async (writer) => {
      const { file, ...stored } = await this.load();
      const { next, result } = work(stored);
      const before = { secrets: storedValues(stored.entries) };
      const sealed = asJsonObject(
        this.secrets.seal(this.file.path, { secrets: next.values }, before)['secrets'],
      );
      const custom_secrets = Object.fromEntries(
        Object.entries(next.entries).map(([name, entry]) => {
          const { name: own, description = null, ...more } = asJsonObject(entry);
          return [
            name,
            { name: own ?? name, secret: sealed[name] ?? null, description, ...withoutSecret(more) },
          ];
        }),
      );
      await writer.write(FILE, { ...file, custom_secrets });
      return result;
    });
  }

  /** The entries of the file, and their values in clear. */
  private async load(): Promise<Entries & { file: JsonObject }> {
    const { file, entries } = await this.read();
    const { value, unopened } = this.secrets.open(this.file.path, { secrets: storedValues(entries) });
    if (unopened.length > 0) throw this.file.unusable(`no key decrypts ${unopened.length} of its secrets`);
    return { file, entries, values: asJsonObject(value['secrets']) };
  }

  private async read(): Promise<{ file: JsonObject; entries: JsonObject }> {
    const file = (await this.file.read()) ?? {};
    const { custom_secrets: entries = {} } = file;
    if (!isJsonObject(entries)) {
      throw this.file.unusable('it contains no secrets by name');
    }
    return { file, entries };
  }
}

interface Entries {
  entries: JsonObject;
  values: JsonObject;
}

function assertName(name: string): void {
  if (NAME.test(name)) return;
  throw new RefusedSettingsError(
    'Invalid secret name format. Must start with a letter, contain only letters, numbers, and underscores, ' +
      'and be 1-64 characters long.',
  );
}

function toItem(name: string, { description }: JsonObject): SecretItem {
  return { name, description: asText(description) };
}

/** The stored value of each secret. In older files, the entry itself is the value. */
function storedValues(entries: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => [
      name,
      asText(entry) ?? asText(asJsonObject(entry)['secret']),
    ]),
  );
}

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));
}

function withoutSecret(entry: JsonObject): JsonObject {
  return without(entry, 'secret');
}
