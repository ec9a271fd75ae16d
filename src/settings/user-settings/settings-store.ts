import { Injectable } from '@nestjs/common';
import { ENCRYPTED_PLACES, FileSecrets } from '../../crypto/index.js';
import { asJsonObject, asText, isJsonObject, type JsonObject } from '../../json/index.js';
import { ConversationSettingsDto } from './conversation-settings.dto.js';
import { completed, withUnknown } from '../json-values.js';
import { migrateSettings } from '../store/older-files.js';
import { UnreadableStoreError } from '../settings-errors.js';
import { Documents, type DocumentWriter } from '../../storage/index.js';
import { SingleDocument } from '../store/single-document.js';
import { NESTED_AGENT_FIELDS, agentKind, completeAgent } from './complete-agent.js';

const FILE = 'settings.json';
/** The version of the file that this server writes. */
const VERSION = 6;

/** The settings of a user, secrets in clear. */
export interface Settings {
  agent: JsonObject;
  conversation: JsonObject;
  active_profile: string | null;
  active_agent_profile_id: string | null;
  active_meta_profile: string | null;
  /** Settings of clients; not used by the server. */
  misc: JsonObject;
}

/** Reads and writes `settings.json`. */
@Injectable()
export class SettingsStore {
  private readonly file: SingleDocument;

  constructor(
    documents: Documents,
    private readonly secrets: FileSecrets,
  ) {
    this.file = new SingleDocument(documents, FILE, () => new UnreadableStoreError('Settings file'));
  }

  /**
   * Loads the settings. Without a file, they have their defaults.
   * @throws UnreadableStoreError for a file that is damaged, not valid, or encrypted with another key
   */
  async load(): Promise<Settings> {
    const { settings, unopened } = await this.read();
    if (unopened.length === 0) return settings;
    throw this.file.unusable(`no key decrypts ${unopened.join(', ')}`);
  }

  /**
   * Loads the settings for reading only. Secrets that no key decrypts have no value. For a damaged file, the
   * defaults are returned, as in the original, and an error is logged.
   */
  async loadForReading(): Promise<Settings> {
    try {
      return (await this.read()).settings;
    } catch (error) {
      if (error instanceof UnreadableStoreError) return this.complete({});
      throw error;
    }
  }

  /** Stores settings. Stored fields that this server does not know are kept. */
  async save(writer: DocumentWriter, settings: Settings): Promise<void> {
    const stored = (await this.stored()) ?? {};
    const { agent, conversation, misc, ...active } = settings;
    const before = sealedAgent(stored);
    const isSameKind = agentKind(before) === agentKind(agent);
    const full = isSameKind ? withUnknown(agent, before, NESTED_AGENT_FIELDS) : agent;
    const sealed = this.secrets.seal(this.file.path, full, before);
    const { [ENCRYPTED_PLACES]: tokens, ...agent_settings } = sealed;
    const known = {
      schema_version: versionOf(stored),
      agent_settings,
      conversation_settings: withUnknown(conversation, asJsonObject(stored['conversation_settings'])),
      ...active,
      // Other programs keep only `misc_settings` of the fields they do not know, so tokens are stored there.
      misc_settings: { ...withoutTokens(misc), ...(tokens !== undefined && { [ENCRYPTED_PLACES]: tokens }) },
    };
    await writer.write(FILE, withUnknown(known, stored));
  }

  private async read(): Promise<{ settings: Settings; unopened: string[] }> {
    const stored = await this.stored();
    if (stored === undefined) return { settings: this.complete({}), unopened: [] };
    const { value, unopened } = this.secrets.open(this.file.path, sealedAgent(stored));
    return { settings: this.complete({ ...stored, agent_settings: value }), unopened };
  }

  /** The content of the file, converted to the current version. */
  private async stored(): Promise<JsonObject | undefined> {
    const stored = await this.file.read();
    const { agent_settings: agent } = stored ?? {};
    if (stored === undefined || agent === undefined || agent === null) return stored;
    if (!isJsonObject(agent)) throw this.file.unusable('its agent_settings are not an object');
    return { ...stored, agent_settings: migrateSettings(agent) };
  }

  private complete(stored: JsonObject): Settings {
    const { agent_settings: storedAgent = {} } = stored;
    const agent = isJsonObject(storedAgent) ? completeAgent(storedAgent, storedAgent) : undefined;
    if (!agent) throw this.file.unusable('its agent_settings are not valid');
    const conversation = completed(ConversationSettingsDto, asJsonObject(stored['conversation_settings']));
    if (!conversation) throw this.file.unusable('its conversation_settings are not valid');
    return {
      agent,
      conversation,
      active_profile: nameOrNull(stored['active_profile']),
      active_agent_profile_id: nameOrNull(stored['active_agent_profile_id']),
      active_meta_profile: nameOrNull(stored['active_meta_profile']),
      misc: withoutTokens(asJsonObject(stored['misc_settings'])),
    };
  }
}

/** The agent settings with the encrypted tokens, which the file stores elsewhere. */
function sealedAgent(stored: JsonObject): JsonObject {
  const { [ENCRYPTED_PLACES]: tokens } = asJsonObject(stored['misc_settings']);
  const agent = asJsonObject(stored['agent_settings']);
  return tokens === undefined ? agent : { ...agent, [ENCRYPTED_PLACES]: tokens };
}

/** The settings of clients without the encrypted tokens. */
function withoutTokens({ [ENCRYPTED_PLACES]: _tokens, ...misc }: JsonObject): JsonObject {
  return misc;
}

/** A stored name. Other programs write an empty text for null. */
function nameOrNull(value: unknown): string | null {
  const name = asText(value);
  return name?.trim() === '' ? null : name;
}

function versionOf({ schema_version: version }: JsonObject): number {
  return typeof version === 'number' && version > VERSION ? version : VERSION;
}
