import { randomUUID } from 'node:crypto';
import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import { toPlain } from '../../http/validation/dto.js';
import { StorageFailedError } from '../../storage/index.js';
import { commandText } from '../../text/index.js';
import { asJsonObject, asText, type JsonObject } from '../../json/index.js';
import { type AgentProfile, AgentProfiles } from './agent-profiles.js';
import { AGENT_PROFILE_VERSION, readAgentProfile } from './agent-profile.dto.js';
import { LLMDto } from '../dto/llm.dto.js';
import { withoutEnding } from '../dto/profile-name.js';
import { LlmProfiles } from '../llm-profiles/llm-profiles.js';
import { LimitReachedError, NoSuchEntryError, UnreadableStoreError } from '../settings-errors.js';
import { isOpenHands } from '../user-settings/settings.service.js';
import { type Settings, SettingsStore } from '../user-settings/settings-store.js';
import { completeAgent } from '../user-settings/complete-agent.js';
import { PersistenceFolder, type FolderWriter } from '../store/persistence-folder.js';

/** The profile that there is when nobody has made another one. */
const DEFAULT = 'default';

/** What a list says of an agent profile. */
export interface AgentProfileInfo {
  id: string;
  name: string;
  agent_kind: string;
  revision: number;
  llm_profile_ref: string | null;
  mcp_server_refs: unknown;
}

/** Agent profiles, and which one new conversations use. */
@Injectable()
export class AgentProfilesService {
  constructor(
    private readonly folder: PersistenceFolder,
    private readonly profiles: AgentProfiles,
    private readonly llms: LlmProfiles,
    private readonly settings: SettingsStore,
  ) {}

  /**
   * What there is. Where none is in use, the default one is from now on, and is made if it does not exist.
   */
  async list(): Promise<{ profiles: AgentProfileInfo[]; active_agent_profile_id: string | null }> {
    const { active_agent_profile_id: id } = await this.settings.loadForReading();
    const known = await this.profiles.all();
    const active = known.some((profile) => profile.id === id) ? id : await this.seed();
    const profiles = (await this.profiles.all()).map((profile) => infoOf(profile));
    return { profiles, active_agent_profile_id: active };
  }

  /** @throws NoSuchEntryError, UnusableProfileError */
  async get(name: string): Promise<AgentProfile> {
    return completeProfile(await this.profiles.load(withoutEnding(name)));
  }

  /**
   * Stores a profile. One of the same name is replaced and keeps its id.
   * @throws UnprocessableEntityException, LimitReachedError
   */
  async save(name: string, body: JsonObject): Promise<void> {
    const plain = withoutEnding(name);
    const given = checkedProfile(body);
    await this.folder.change(async (writer) => {
      const before = await this.profiles.read(plain).catch(() => undefined);
      const revision = before ? Number(before['revision'] ?? 0) + 1 : given['revision'];
      await this.profiles.save(writer, { ...given, id: before?.id ?? randomUUID(), name: plain, revision });
    });
  }

  /**
   * Deletes a profile, if there is one; where it was in use the default one is. @throws UnreadableStoreError
   */
  async remove(name: string): Promise<void> {
    const plain = withoutEnding(name);
    await this.folder.change(async (writer) => {
      const profile = await this.profiles.read(plain).catch(() => undefined);
      const { active_agent_profile_id: active } = await this.settings.loadForReading();
      const isActive = profile?.id === active;
      const settings = isActive ? await this.settings.load() : undefined;
      await this.profiles.remove(writer, plain);
      if (settings) await this.useDefault(writer, withOpenHandsAgent(settings));
    });
  }

  /**
   * Renames a profile; its id stays.
   * @returns false where it has that name already
   * @throws NoSuchEntryError, EntryExistsError, UnusableProfileError
   */
  rename(name: string, newName: string): Promise<boolean> {
    const [from, to] = [withoutEnding(name), withoutEnding(newName)];
    return this.folder.change(async (writer) => {
      if (from === to) {
        await this.profiles.load(from);
        return false;
      }
      await this.profiles.rename(writer, from, to);
      return true;
    });
  }

  /** New conversations use this profile. @throws NoSuchEntryError, UnreadableStoreError */
  async activate(id: string): Promise<void> {
    await this.folder.change(async (writer) => {
      if (!(await this.profiles.find(id))) {
        throw new NoSuchEntryError(`Agent profile with id '${id}' not found`);
      }
      await this.settings.save(writer, { ...(await this.settings.load()), active_agent_profile_id: id });
    });
  }

  /**
   * @returns the id of the default profile; null where it cannot be stored, which is no reason not to list
   */
  private async seed(): Promise<string | null> {
    try {
      return await this.folder.change(async (writer) => {
        const settings = await this.settings.load();
        const known = await this.profiles.all();
        const id = settings.active_agent_profile_id;
        if (known.some((profile) => profile.id === id)) return id;
        return await this.useDefault(writer, settings);
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

  private async useDefault(writer: FolderWriter, settings: Settings): Promise<string> {
    const found = await this.profiles.read(DEFAULT).catch(() => undefined);
    const profile = found ?? (await this.makeDefault(writer, settings));
    await this.settings.save(writer, { ...settings, active_agent_profile_id: profile.id });
    return profile.id;
  }

  /** From the settings: their model becomes an LLM profile, where it has none. */
  private async makeDefault(writer: FolderWriter, settings: Settings): Promise<AgentProfile> {
    const fields = checkedProfile(
      isOpenHands(settings) ? await this.ofOpenHands(writer, settings) : ofAcp(settings),
    );
    const profile = { ...fields, id: randomUUID(), name: DEFAULT };
    await this.profiles.save(writer, profile);
    return profile;
  }

  private async ofOpenHands(writer: FolderWriter, settings: Settings): Promise<JsonObject> {
    const llm = asJsonObject(settings.agent['llm']);
    const { active_profile: active } = settings;
    if (active === null && isChosen(llm) && !(await this.llms.names()).includes(DEFAULT)) {
      await this.llms.save(writer, DEFAULT, llm, true);
    }
    return { ...ofAgent(settings), llm_profile_ref: active ?? DEFAULT };
  }
}

/** Settings whose agent is one of this server: those of an ACP agent get the defaults. */
function withOpenHandsAgent(settings: Settings): Settings {
  return isOpenHands(settings) ? settings : { ...settings, agent: completeAgent({}, {}) ?? settings.agent };
}

/**
 * What the settings of an ACP agent and its profile have in common; a profile has the command as one text.
 */
function ofAcp({ agent }: Settings): JsonObject {
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

/** What agent settings and agent profiles have in common; keys stay with the settings. */
function ofAgent(settings: Settings): JsonObject {
  const { agent, tools, persona, condenser, verification, tool_concurrency_limit, agent_context } =
    settings.agent;
  const { system_message_suffix = null, disabled_skills = [] } = asJsonObject(agent_context);
  const { critic_api_key: _secret, ...critic } = asJsonObject(verification);
  return {
    ...{ agent, tools, persona, condenser, verification: critic, tool_concurrency_limit },
    ...{ system_message_suffix, disabled_skills },
  };
}

/** Somebody has said something about the model. */
function isChosen({ model, api_key, base_url }: JsonObject): boolean {
  return asText(api_key) !== null || asText(base_url) !== null || model !== new LLMDto().model;
}

/** @throws UnprocessableEntityException in the words that clients know */
export function checkedProfile(body: JsonObject): JsonObject {
  const read = readAgentProfile(body);
  if ('problems' in read) {
    const detail = read.problems.slice(0, 100).map(({ at = [], type, msg }) => ({ loc: at, type, msg }));
    throw new UnprocessableEntityException({ detail });
  }
  const plain: unknown = JSON.parse(JSON.stringify(toPlain(read.profile)));
  const { schema_version: _sent, agent_kind, ...fields } = asJsonObject(plain);
  return inOrder({ schema_version: AGENT_PROFILE_VERSION, agent_kind, ...fields });
}

/** A stored profile with all fields; one that is not valid here, or has more fields, is shown as it is. */
function completeProfile(stored: AgentProfile): AgentProfile {
  const read = readAgentProfile(stored);
  if ('problems' in read) return stored;
  const plain: unknown = JSON.parse(JSON.stringify(toPlain(read.profile)));
  return { ...asJsonObject(plain), id: stored.id, name: stored.name };
}

/** Clients see id and name behind the kind, also where they were not sent. */
function inOrder({ schema_version, agent_kind, id, name, ...fields }: JsonObject): JsonObject {
  return { schema_version, agent_kind, id: id ?? '', name: name ?? '', ...fields };
}

function infoOf(profile: AgentProfile): AgentProfileInfo {
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
