import { randomUUID } from 'node:crypto';
import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import { toPlain } from '../../http/index.js';
import { asJsonObject, asText, type JsonObject } from '../../json/index.js';
import { commandText } from '../../text/index.js';
import { type AgentProfile, AgentProfiles } from './agent-profiles.js';
import { AGENT_PROFILE_VERSION, readAgentProfile } from './agent-profile.dto.js';
import { LLMDto } from '../dto/llm.dto.js';
import { withoutExtension } from '../dto/profile-name.js';
import { LlmProfiles } from '../llm-profiles/llm-profiles.js';
import { LimitReachedError, NoSuchEntryError, UnreadableStoreError } from '../settings-errors.js';
import { isOpenHands } from '../user-settings/settings.service.js';
import { type Settings, SettingsStore } from '../user-settings/settings-store.js';
import { completeAgent } from '../user-settings/complete-agent.js';
import { StorageFailedError, Documents, type DocumentWriter } from '../../storage/index.js';

/** The name of the profile that the server creates. */
const DEFAULT = 'default';

/** An agent profile in a list. */
export interface AgentProfileInfo {
  id: string;
  name: string;
  agent_kind: string;
  revision: number;
  llm_profile_ref: string | null;
  mcp_server_refs: unknown;
}

/** Manages agent profiles and the active one, which new conversations use. */
@Injectable()
export class AgentProfilesService {
  constructor(
    private readonly documents: Documents,
    private readonly profiles: AgentProfiles,
    private readonly llms: LlmProfiles,
    private readonly settings: SettingsStore,
  ) {}

  /**
   * Lists all profiles. If none is active, the default profile is activated, and created if it does not
   * exist.
   */
  async list(): Promise<{ profiles: AgentProfileInfo[]; active_agent_profile_id: string | null }> {
    const { active_agent_profile_id: id } = await this.settings.loadForReading();
    const known = await this.profiles.all();
    const active = known.some((profile) => profile.id === id) ? id : await this.ensureActive();
    const profiles = (await this.profiles.all()).map((profile) => toInfo(profile));
    return { profiles, active_agent_profile_id: active };
  }

  /** @throws NoSuchEntryError, UnusableProfileError */
  async get(name: string): Promise<AgentProfile> {
    return completeProfile(await this.profiles.load(withoutExtension(name)));
  }

  /**
   * Stores a profile. Replaces one of the same name and keeps its id.
   * @throws UnprocessableEntityException, LimitReachedError
   */
  async save(name: string, body: JsonObject): Promise<void> {
    const plain = withoutExtension(name);
    const fields = checkedProfile(body);
    await this.documents.change(async (writer) => {
      const before = await this.profiles.read(plain).catch(() => undefined);
      const revision = before ? Number(before['revision'] ?? 0) + 1 : fields['revision'];
      await this.profiles.save(writer, { ...fields, id: before?.id ?? randomUUID(), name: plain, revision });
    });
  }

  /**
   * Deletes a profile if it exists. If it was active, the default profile is activated.
   * @throws UnreadableStoreError
   */
  async remove(name: string): Promise<void> {
    const plain = withoutExtension(name);
    await this.documents.change(async (writer) => {
      const profile = await this.profiles.read(plain).catch(() => undefined);
      const { active_agent_profile_id: active } = await this.settings.loadForReading();
      const isActive = profile?.id === active;
      const settings = isActive ? await this.settings.load() : undefined;
      await this.profiles.remove(writer, plain);
      if (settings) await this.activateDefault(writer, withOpenHandsAgent(settings));
    });
  }

  /**
   * Renames a profile; its id stays.
   * @returns false if it already has that name
   * @throws NoSuchEntryError, EntryExistsError, UnusableProfileError
   */
  rename(name: string, newName: string): Promise<boolean> {
    const [from, to] = [withoutExtension(name), withoutExtension(newName)];
    return this.documents.change(async (writer) => {
      if (from === to) {
        await this.profiles.load(from);
        return false;
      }
      await this.profiles.rename(writer, from, to);
      return true;
    });
  }

  /** Activates a profile for new conversations. @throws NoSuchEntryError, UnreadableStoreError */
  async activate(id: string): Promise<void> {
    await this.documents.change(async (writer) => {
      if (!(await this.profiles.find(id))) {
        throw new NoSuchEntryError(`Agent profile with id '${id}' not found`);
      }
      await this.settings.save(writer, { ...(await this.settings.load()), active_agent_profile_id: id });
    });
  }

  /**
   * Activates the default profile if no profile is active.
   * @returns the id of the active profile; null if it cannot be stored, which must not prevent listing
   */
  private async ensureActive(): Promise<string | null> {
    try {
      return await this.documents.change(async (writer) => {
        const settings = await this.settings.load();
        const known = await this.profiles.all();
        const id = settings.active_agent_profile_id;
        if (known.some((profile) => profile.id === id)) return id;
        return await this.activateDefault(writer, settings);
      });
    } catch (error) {
      const isHarmless =
        error instanceof UnreadableStoreError ||
        error instanceof StorageFailedError ||
        error instanceof LimitReachedError;
      if (isHarmless) return null;
      throw error;
    }
  }

  private async activateDefault(writer: DocumentWriter, settings: Settings): Promise<string> {
    const found = await this.profiles.read(DEFAULT).catch(() => undefined);
    const profile = found ?? (await this.makeDefault(writer, settings));
    await this.settings.save(writer, { ...settings, active_agent_profile_id: profile.id });
    return profile.id;
  }

  /** Creates the default profile from the settings. A model without LLM profile is stored as one. */
  private async makeDefault(writer: DocumentWriter, settings: Settings): Promise<AgentProfile> {
    const fields = checkedProfile(
      isOpenHands(settings) ? await this.fromOpenHands(writer, settings) : profileFromAcp(settings),
    );
    const profile = { ...fields, id: randomUUID(), name: DEFAULT };
    await this.profiles.save(writer, profile);
    return profile;
  }

  private async fromOpenHands(writer: DocumentWriter, settings: Settings): Promise<JsonObject> {
    const llm = asJsonObject(settings.agent['llm']);
    const { active_profile: active } = settings;
    if (active === null && isLlmConfigured(llm) && !(await this.llms.names()).includes(DEFAULT)) {
      await this.llms.save(writer, DEFAULT, llm, true);
    }
    return { ...profileFromAgent(settings), llm_profile_ref: active ?? DEFAULT };
  }
}

/** Replaces an ACP agent by the default built-in agent. */
function withOpenHandsAgent(settings: Settings): Settings {
  return isOpenHands(settings) ? settings : { ...settings, agent: completeAgent({}, {}) ?? settings.agent };
}

/**
 * The fields that settings and profiles of ACP agents share. Profiles store the command as one text.
 */
function profileFromAcp({ agent }: Settings): JsonObject {
  const { acp_server, acp_model, acp_session_mode, acp_prompt_timeout, acp_startup_timeout } = agent;
  const [command, args] = [wordsIn(agent['acp_command']), wordsIn(agent['acp_args'])];
  return {
    agent_kind: 'acp',
    ...{ acp_server, acp_model, acp_session_mode, acp_prompt_timeout, acp_startup_timeout },
    acp_command: command.length === 0 ? null : commandText(command),
    acp_args: args.length === 0 ? null : args,
  };
}

function wordsIn(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((word) => typeof word === 'string') : [];
}

/** The fields that agent settings and agent profiles share, without API keys. */
function profileFromAgent(settings: Settings): JsonObject {
  const { agent, tools, persona, condenser, verification, tool_concurrency_limit, agent_context } =
    settings.agent;
  const { system_message_suffix = null, disabled_skills = [] } = asJsonObject(agent_context);
  const { critic_api_key: _secret, ...critic } = asJsonObject(verification);
  return {
    ...{ agent, tools, persona, condenser, verification: critic, tool_concurrency_limit },
    ...{ system_message_suffix, disabled_skills },
  };
}

/** Whether the model differs from the default. */
function isLlmConfigured({ model, api_key, base_url }: JsonObject): boolean {
  return asText(api_key) !== null || asText(base_url) !== null || model !== new LLMDto().model;
}

/**
 * Validates a profile and fills in defaults. @throws UnprocessableEntityException with the original's texts
 */
export function checkedProfile(body: JsonObject): JsonObject {
  const read = readAgentProfile(body);
  if ('problems' in read) {
    const detail = read.problems.slice(0, 100).map(({ path = [], type, msg }) => ({ loc: path, type, msg }));
    throw new UnprocessableEntityException({ detail });
  }
  const plain: unknown = JSON.parse(JSON.stringify(toPlain(read.profile)));
  const { schema_version: _sent, agent_kind, ...fields } = asJsonObject(plain);
  return inWireOrder({ schema_version: AGENT_PROFILE_VERSION, agent_kind, ...fields });
}

/** Fills in the defaults of a stored profile. An invalid one is returned unchanged. */
function completeProfile(stored: AgentProfile): AgentProfile {
  const read = readAgentProfile(stored);
  if ('problems' in read) return stored;
  const plain: unknown = JSON.parse(JSON.stringify(toPlain(read.profile)));
  return { ...asJsonObject(plain), id: stored.id, name: stored.name };
}

/** On the wire, id and name follow the kind and are always present. */
function inWireOrder({ schema_version, agent_kind, id, name, ...fields }: JsonObject): JsonObject {
  return { schema_version, agent_kind, id: id ?? '', name: name ?? '', ...fields };
}

function toInfo(profile: AgentProfile): AgentProfileInfo {
  const { id, name, agent_kind, revision, llm_profile_ref, mcp_server_refs = null } = profile;
  return {
    id,
    name,
    agent_kind: asText(agent_kind) ?? 'openhands',
    revision: typeof revision === 'number' ? revision : 0,
    llm_profile_ref: asText(llm_profile_ref),
    mcp_server_refs,
  };
}
