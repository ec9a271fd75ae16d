import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { readChecked } from '../../http/index.js';
import { Llm, type LlmConfig } from '../../llm/index.js';
import {
  LlmProfiles,
  SettingsStore,
  UnusableProfileError,
  MetaProfiles,
  ProfileNotFoundError,
  llm,
  LLMDto,
  toLlmConfig,
} from '../../settings/index.js';
import { assertOwnModel, isOwnKeys } from '../owners/own-key-rules.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { JsonObject } from '../../json/index.js';

/** The conversation that a model is for: one of a key of reach `own` may use few stored ones. */
type ModelUser = Pick<ConversationState, 'workspace_root'>;

/** The models of stored LLM profiles. */
@Injectable()
export class ModelProfiles {
  constructor(
    private readonly profiles: LlmProfiles,
    private readonly metaProfiles: MetaProfiles,
    private readonly settings: SettingsStore,
    private readonly config: AppConfig,
    models: Llm,
  ) {
    // Fallbacks: keys that reach their own conversations only cannot ask for any.
    models.setModelLoader(async (name) => this.stored(name));
  }

  /**
   * Loads a meta-profile by name. Without a name, the one that is active in the settings, or the first one.
   * @returns undefined if there are no meta-profiles
   * @throws NoSuchEntryError, UnusableProfileError
   */
  async loadMetaProfile(name: string | null, user: ModelUser): Promise<JsonObject | undefined> {
    if (isOwnKeys(user)) return undefined;
    const chosen =
      name ??
      (await this.settings.loadForReading()).active_meta_profile ??
      (await this.metaProfiles.list())[0]?.name;
    return chosen === undefined ? undefined : this.metaProfiles.load(chosen);
  }

  /** The names of the LLM profiles that a conversation may use, sorted. */
  async names(user: ModelUser): Promise<string[]> {
    return (await this.profiles.names()).filter((name) => this.isAllowed(name, user));
  }

  /**
   * Loads the model of a profile, secrets in clear. Its cost is counted under a usage id of its own.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError
   */
  async load(name: string, user: ModelUser): Promise<LlmConfig> {
    if (!this.isAllowed(name, user)) throw new ProfileNotFoundError(name);
    return this.stored(name);
  }

  /**
   * Creates such a model from fields that a conversation contains.
   * @throws UnusableProfileError, ForbiddenError
   */
  fromFields(name: string, llm: JsonObject, user: ModelUser): LlmConfig {
    const config = toConfig(name, llm);
    if (isOwnKeys(user)) assertOwnModel(config);
    return { ...config, usage_id: `profile:${name}` };
  }

  private async stored(name: string): Promise<LlmConfig> {
    const profile = await this.profiles.load(name);
    return { ...toConfig(profile.name, profile.llm), usage_id: `profile:${profile.name}` };
  }

  private isAllowed(name: string, user: ModelUser): boolean {
    return !isOwnKeys(user) || this.config.own_keys_llm_profiles.includes(name);
  }
}

function toConfig(name: string, fields: Record<string, unknown>): LlmConfig {
  try {
    const dto = readChecked(llm(), fields, ['profile']);
    if (dto instanceof LLMDto) return toLlmConfig(dto);
  } catch {
    // The problems of a stored profile are not problems of the request.
  }
  throw new UnusableProfileError(`Profile '${name}' holds no valid LLM`);
}
