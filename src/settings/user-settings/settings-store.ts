import { Injectable } from '@nestjs/common';
import { ENCRYPTED_PLACES, FileSecrets } from '../../crypto/index.js';
import { asJsonObject, asText, isJsonObject, type JsonObject } from '../../json/index.js';
import { ConversationSettingsDto } from './conversation-settings.dto.js';
import { completed, withUnknown } from '../json-values.js';
import { currentSettings } from '../store/older-files.js';
import { UnreadableStoreError } from '../settings-errors.js';
import { PersistenceFolder, type FolderWriter } from '../store/persistence-folder.js';
import { StoreFile } from '../store/store-file.js';
import { AGENT_PARTS, agentKind, completeAgent } from './complete-agent.js';

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
  /** Of clients; nobody here looks into it. */
  misc: JsonObject;
}

/** `settings.json`. */
@Injectable()
export class SettingsStore {
  private readonly file: StoreFile;

  constructor(
    folder: PersistenceFolder,
    private readonly secrets: FileSecrets,
  ) {
    this.file = new StoreFile(folder, FILE, () => new UnreadableStoreError('Settings file'));
  }

  /**
   * The settings; defaults where nothing is stored.
   * @throws UnreadableStoreError for what is damaged, not valid, or encrypted with another key
   */
  async load(): Promise<Settings> {
    const { settings, unopened } = await this.read();
    if (unopened.length === 0) return settings;
    throw this.file.unusable(`no key opens ${unopened.join(', ')}`);
  }

  /**
   * The settings for reading. Secrets that no key opens have no value. A file that is damaged counts as the
   * defaults, as clients know it, and the log says so.
   */
  async loadForReading(): Promise<Settings> {
    try {
      return (await this.read()).settings;
    } catch (error) {
      if (error instanceof UnreadableStoreError) return this.complete({});
      throw error;
    }
  }

  /** Stores settings. What others have stored beside what is known here stays. */
  async save(writer: FolderWriter, settings: Settings): Promise<void> {
    const stored = (await this.stored()) ?? {};
    const { agent, conversation, misc, ...active } = settings;
    const before = sealedAgent(stored);
    const isSameKind = agentKind(before) === agentKind(agent);
    const full = isSameKind ? withUnknown(agent, before, AGENT_PARTS) : agent;
    const sealed = this.secrets.seal(this.file.path, full, before);
    const { [ENCRYPTED_PLACES]: tokens, ...agent_settings } = sealed;
    const known = {
      schema_version: versionOf(stored),
      agent_settings,
      conversation_settings: withUnknown(conversation, asJsonObject(stored['conversation_settings'])),
      ...active,
      // Of what they do not know, other programs keep only this when they write the file.
      misc_settings: { ...ofClients(misc), ...(tokens !== undefined && { [ENCRYPTED_PLACES]: tokens }) },
    };
    await writer.write(FILE, withUnknown(known, stored));
  }

  private async read(): Promise<{ settings: Settings; unopened: string[] }> {
    const stored = await this.stored();
    if (stored === undefined) return { settings: this.complete({}), unopened: [] };
    const { value, unopened } = this.secrets.open(this.file.path, sealedAgent(stored));
    return { settings: this.complete({ ...stored, agent_settings: value }), unopened };
  }

  /** What the file holds, in today's words. */
  private async stored(): Promise<JsonObject | undefined> {
    const stored = await this.file.read();
    const { agent_settings: agent } = stored ?? {};
    if (stored === undefined || agent === undefined || agent === null) return stored;
    if (!isJsonObject(agent)) throw this.file.unusable('its agent_settings are no object');
    return { ...stored, agent_settings: currentSettings(agent) };
  }

  private complete(stored: JsonObject): Settings {
    const { agent_settings: given = {} } = stored;
    const agent = isJsonObject(given) ? completeAgent(given, given) : undefined;
    if (!agent) throw this.file.unusable('its agent_settings are not valid');
    const conversation = completed(ConversationSettingsDto, asJsonObject(stored['conversation_settings']));
    if (!conversation) throw this.file.unusable('its conversation_settings are not valid');
    return {
      agent,
      conversation,
      active_profile: nameOf(stored['active_profile']),
      active_agent_profile_id: nameOf(stored['active_agent_profile_id']),
      active_meta_profile: nameOf(stored['active_meta_profile']),
      misc: ofClients(asJsonObject(stored['misc_settings'])),
    };
  }
}

/** The settings of the agent with the tokens that stand elsewhere in the file. */
function sealedAgent(stored: JsonObject): JsonObject {
  const { [ENCRYPTED_PLACES]: tokens } = asJsonObject(stored['misc_settings']);
  const agent = asJsonObject(stored['agent_settings']);
  return tokens === undefined ? agent : { ...agent, [ENCRYPTED_PLACES]: tokens };
}

/** What clients have stored for themselves. */
function ofClients({ [ENCRYPTED_PLACES]: _tokens, ...misc }: JsonObject): JsonObject {
  return misc;
}

/** A name that is stored; other programs write an empty text for none. */
function nameOf(value: unknown): string | null {
  const name = asText(value);
  return name?.trim() === '' ? null : name;
}

function versionOf({ schema_version: version }: JsonObject): number {
  return typeof version === 'number' && version > VERSION ? version : VERSION;
}
