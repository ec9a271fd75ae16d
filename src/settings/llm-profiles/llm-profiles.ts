import { Injectable, Logger } from '@nestjs/common';
import { FileSecrets, maskUserinfo, withoutSecrets } from '../../crypto/index.js';
import { asText, type JsonObject } from '../../json/index.js';
import { LLMDto } from '../dto/llm.dto.js';
import { PROFILE_NAME, withoutExtension } from '../dto/profile-name.js';
import { hasSecret } from '../dto/secret-text.js';
import { completed } from '../json-values.js';
import {
  type ProviderConnection,
  ProviderConnections,
} from '../provider-connections/provider-connections.js';
import {
  InvalidProfileNameError,
  ProfileNotFoundError,
  UnreadableStoreError,
  UnusableProfileError,
} from '../settings-errors.js';
import { completeLlm } from '../user-settings/complete-agent.js';
import { NamedDocuments } from '../store/named-documents.js';
import { DamagedDocumentError, type DocumentWriter, Documents } from '../../storage/index.js';

const VERSION = 1;

/** An LLM profile in a list. */
export interface ProfileInfo {
  name: string;
  model: string | null;
  base_url: string | null;
  provider_connection_id: string | null;
  provider_connection_broken: boolean;
  api_key_set: boolean;
}

/** LLM profiles, one JSON file each, in the folder and format that other OpenHands programs use. */
@Injectable()
export class LlmProfiles {
  private readonly logger = new Logger('Settings');
  private readonly files: NamedDocuments;

  constructor(
    documents: Documents,
    private readonly secrets: FileSecrets,
    private readonly connections: ProviderConnections,
  ) {
    this.files = new NamedDocuments(documents, 'profiles', 'Profile', 'profile');
  }

  /**
   * Loads the LLM of a profile for use: secrets in clear, with the API key and URL of its provider
   * connection. Secrets that cannot be decrypted are null. A `.json` extension of the name is ignored.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError, DanglingConnectionError
   */
  async load(name: string): Promise<{ name: string; llm: JsonObject }> {
    const plain = withoutExtension(name);
    if (!PROFILE_NAME.test(plain)) throw new InvalidProfileNameError(name);
    const llm = await this.stored(plain);
    return { name: plain, llm: await this.connections.resolve(llm, `Profile '${plain}'`) };
  }

  /**
   * The stored LLM of a profile, secrets in clear.
   * @throws ProfileNotFoundError, UnusableProfileError
   */
  async stored(name: string): Promise<JsonObject> {
    const file = await this.file(name);
    if (file === undefined) throw new ProfileNotFoundError(name);
    const { value } = this.secrets.open(this.files.path(name), file);
    const { schema_version: _version, ...llm } = value;
    return llm;
  }

  /** The names of all profiles, sorted. */
  names(): Promise<string[]> {
    return this.files.names();
  }

  /** Lists all profiles, sorted by name. Unreadable ones are left out and logged. */
  async list(): Promise<ProfileInfo[]> {
    const connections = new Map((await this.knownConnections()).map((entry) => [entry.id, entry]));
    const infos = (await this.names()).map(async (name): Promise<ProfileInfo | undefined> => {
      const llm = await this.stored(name).catch((error: unknown) => {
        if (error instanceof UnusableProfileError) return undefined;
        // Deleted in the meantime.
        if (error instanceof ProfileNotFoundError) return undefined;
        throw error;
      });
      if (!llm) return undefined;
      const id = asText(llm['provider_connection_id']);
      const key = id === null ? llm['api_key'] : connections.get(id)?.api_key;
      return {
        name,
        model: asText(llm['model']),
        base_url: maskedAddress(asText(llm['base_url'])),
        provider_connection_id: id,
        provider_connection_broken: id !== null && !connections.has(id),
        api_key_set: hasSecret(key),
      };
    });
    return (await Promise.all(infos)).filter((info) => info !== undefined);
  }

  /**
   * Stores a profile. Replaces one of the same name.
   * @param llm a valid LLM, secrets in clear
   * @throws LimitReachedError
   */
  async save(writer: DocumentWriter, name: string, llm: JsonObject, withSecrets: boolean): Promise<void> {
    const isLinked = asText(llm['provider_connection_id']) !== null;
    const own = isLinked ? { ...llm, api_key: null, base_url: null } : llm;
    const path = this.files.path(name);
    const before = await this.file(name).catch(() => undefined);
    // A masked secret that could not be restored is missing; the file may contain a token that others can
    // decrypt.
    const missing = Object.fromEntries(Object.keys(before ?? {}).map((field) => [field, null]));
    const sealed = withSecrets
      ? this.secrets.seal(path, { ...missing, ...own }, before)
      : withoutSecrets(own);
    if (!withSecrets) this.secrets.forget(path);
    const fields = Object.entries(sealed).filter(([, value]) => value !== null && value !== undefined);
    await this.files.write(writer, name, { ...Object.fromEntries(fields), schema_version: VERSION });
  }

  /** @throws ProfileNotFoundError, UnusableProfileError, EntryExistsError */
  async rename(writer: DocumentWriter, from: string, to: string): Promise<void> {
    const file = await this.file(from);
    if (file === undefined) throw new ProfileNotFoundError(from);
    await this.files.assertUnused(to);
    await this.files.move(writer, from, to, file);
    this.secrets.move(this.files.path(from), this.files.path(to));
  }

  /** Deletes a profile if it exists. */
  async remove(writer: DocumentWriter, name: string): Promise<void> {
    await this.files.remove(writer, name);
    this.secrets.forget(this.files.path(name));
  }

  /** Profiles can be listed without connections: those that need one are marked as broken. */
  private async knownConnections(): Promise<ProviderConnection[]> {
    return this.connections.all().catch((error: unknown) => {
      if (error instanceof UnreadableStoreError) return [];
      throw error;
    });
  }

  /** @throws UnusableProfileError */
  private async file(name: string): Promise<JsonObject | undefined> {
    try {
      return await this.files.read(name);
    } catch (error) {
      if (!(error instanceof DamagedDocumentError)) throw error;
      this.logger.warn(error.message);
      throw new UnusableProfileError(`Profile '${name}' cannot be used: ${error.why}`);
    }
  }
}

function maskedAddress(address: string | null): string | null {
  return address && maskUserinfo(address);
}

/**
 * Fills in the defaults of a profile's LLM.
 * @throws UnusableProfileError
 */
export function completeProfileLlm(name: string, llm: JsonObject): JsonObject {
  const full = typeof llm['model'] === 'string' ? completed(LLMDto, llm) : undefined;
  if (full) return completeLlm(full);
  throw new UnusableProfileError(`Profile '${name}' holds no valid LLM`);
}
