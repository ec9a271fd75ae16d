import { Injectable } from '@nestjs/common';
import { Cipher } from '../../crypto/index.js';
import { utcTimestamp } from '../../events/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { AgentProfiles } from '../agent-profiles/agent-profiles.js';
import { ConversationSettingsDto } from './conversation-settings.dto.js';
import { hasSecret } from '../dto/secret-text.js';
import type { SettingsUpdateRequestDto } from './update-settings.dto.js';
import { withoutExtension } from '../dto/profile-name.js';
import { exposeSecrets, type Exposure } from '../dto/expose-secrets.js';
import { decryptSettingsSecrets } from '../dto/request-secrets.js';
import { completed, mergeBelow, mergePatch } from '../json-values.js';
import { LlmProfiles, completeProfileLlm } from '../llm-profiles/llm-profiles.js';
import { MetaProfiles } from '../meta-profiles/meta-profiles.js';
import { EntryExistsError, NoSuchEntryError, RefusedSettingsError } from '../settings-errors.js';
import { SettingsStore, type Settings } from './settings-store.js';
import { Documents } from '../../storage/index.js';
import { agentKind, completeAgent } from './complete-agent.js';

/** Reads and changes the settings of a user. */
@Injectable()
export class SettingsService {
  constructor(
    private readonly documents: Documents,
    private readonly store: SettingsStore,
    private readonly llmProfiles: LlmProfiles,
    private readonly agentProfiles: AgentProfiles,
    private readonly metaProfiles: MetaProfiles,
    private readonly cipher: Cipher,
  ) {}

  /** The settings in the form of the API. */
  async get(exposure: Exposure): Promise<JsonObject> {
    return this.view(await this.store.loadForReading(), exposure);
  }

  /**
   * Changes settings. Applies all changes or none.
   * @returns the settings, secrets masked
   * @throws RefusedSettingsError, MissingEntryError, UnreadableStoreError
   */
  update(request: SettingsUpdateRequestDto): Promise<JsonObject> {
    return this.change(async (settings) => {
      const withActive = await this.applyActive(settings, request);
      const { agent_settings_diff: agent, conversation_settings_diff, misc_settings_diff } = request;
      const conversation = mergeBelow(withActive.conversation, conversation_settings_diff ?? {});
      return {
        ...withActive,
        agent: agent === null ? withActive.agent : this.patchAgent(withActive.agent, agent),
        conversation: completeConversation(conversation),
        misc: mergeBelow(withActive.misc, misc_settings_diff ?? {}),
      };
    });
  }

  /** @throws EntryExistsError, RefusedSettingsError, UnreadableStoreError */
  addMcpServer(key: string, server: JsonObject): Promise<JsonObject> {
    return this.change((settings) => {
      if (hasServer(settings, key)) throw new EntryExistsError('MCP server', key);
      return Promise.resolve({
        ...settings,
        agent: this.patchAgent(settings.agent, { mcp_config: Object.fromEntries([[key, server]]) }),
      });
    });
  }

  /** @throws NoSuchEntryError, RefusedSettingsError, UnreadableStoreError */
  changeMcpServer(key: string, changes: JsonObject | null): Promise<JsonObject> {
    return this.change((settings) => {
      if (!hasServer(settings, key)) throw new NoSuchEntryError(`MCP server '${key}' was not found`);
      const patch = { mcp_config: Object.fromEntries([[key, changes]]) };
      return Promise.resolve({ ...settings, agent: this.patchAgent(settings.agent, patch) });
    });
  }

  private change(work: (settings: Settings) => Promise<Settings>): Promise<JsonObject> {
    return this.documents.change(async (writer) => {
      const settings = await work(await this.store.load());
      await this.store.save(writer, settings);
      return this.view(settings, 'redacted');
    });
  }

  /** Sets the active profiles that a request names. */
  private async applyActive(settings: Settings, request: SettingsUpdateRequestDto): Promise<Settings> {
    const { active_profile: profile, active_agent_profile_id: agentId, active_meta_profile: meta } = request;
    let next = settings;
    if (profile !== undefined) {
      next =
        profile === null
          ? { ...next, active_profile: null }
          : withProfile(next, await this.llmProfiles.load(profile), !hasLlm(request));
    }
    if (agentId !== undefined) {
      if (agentId !== null && !(await this.agentProfiles.find(agentId))) {
        throw new NoSuchEntryError(`Agent profile with id '${agentId}' not found`);
      }
      next = { ...next, active_agent_profile_id: agentId };
    }
    if (meta !== undefined) {
      if (meta !== null) await this.metaProfiles.load(withoutExtension(meta));
      next = withMetaProfile(next, meta);
    }
    return next;
  }

  /** @throws RefusedSettingsError */
  private patchAgent(agent: JsonObject, diff: JsonObject): JsonObject {
    const isOther = diff['agent_kind'] !== undefined && agentKind(diff) !== agentKind(agent);
    const base = isOther ? {} : agent;
    const merged = completeAgent(mergePatch(base, decryptSettingsSecrets(diff, base, this.cipher)), base);
    if (merged) return merged;
    throw new RefusedSettingsError('Settings validation failed');
  }

  private view({ agent, conversation, misc, ...active }: Settings, exposure: Exposure): JsonObject {
    const shown = exposeSecrets(agent, exposure, this.cipher);
    const llm = asJsonObject(agent['llm']);
    const { fallback_strategy: _notShown, ...shownLlm } = asJsonObject(shown['llm']);
    const context = shown['agent_context'];
    return {
      agent_settings: {
        ...shown,
        ...(shown['llm'] !== undefined && { llm: shownLlm }),
        agent_context:
          context === null ? null : { current_datetime: utcTimestamp(), ...asJsonObject(context) },
      },
      conversation_settings: conversation,
      llm_api_key_is_set: hasSecret(llm['api_key']),
      ...active,
      misc_settings: misc,
    };
  }
}

/** Activates an LLM profile. Its model becomes that of the settings, unless the agent is an ACP agent. */
export function withProfile(
  settings: Settings,
  { name, llm }: { name: string; llm: JsonObject },
  replacesLlm = true,
): Settings {
  const applies = replacesLlm && isOpenHands(settings);
  const agent = applies ? { ...settings.agent, llm: completeProfileLlm(name, llm) } : settings.agent;
  return { ...settings, agent, active_profile: name };
}

/**
 * Activates a meta-profile; null deactivates it.
 * @param config its content, if the settings should contain it
 */
export function withMetaProfile(
  settings: Settings,
  name: string | null,
  config?: JsonObject | null,
): Settings {
  const own = {
    active_meta_profile: name,
    ...(config !== undefined && { meta_profile: config }),
    enable_classify_and_switch_llm_tool: name !== null,
  };
  const agent = isOpenHands(settings) ? { ...settings.agent, ...own } : settings.agent;
  return { ...settings, agent, active_meta_profile: name };
}

/** Whether the settings are for the built-in agent, not for an ACP agent. */
export function isOpenHands({ agent }: Settings): boolean {
  return agentKind(agent) === 'openhands';
}

function hasLlm({ agent_settings_diff: diff }: SettingsUpdateRequestDto): boolean {
  return diff !== null && Object.hasOwn(diff, 'llm');
}

function hasServer({ agent }: Settings, key: string): boolean {
  return Object.hasOwn(asJsonObject(agent['mcp_config']), key);
}

/** @throws RefusedSettingsError */
function completeConversation(conversation: JsonObject): JsonObject {
  const full = completed(ConversationSettingsDto, conversation);
  const isComplete = full?.['worktree_base'] !== 'ref' || full['worktree_base_ref'] !== null;
  if (full && isComplete) return full;
  throw new RefusedSettingsError('Settings validation failed');
}
