import { Injectable } from '@nestjs/common';
import { readChecked } from '../../http/index.js';
import { Llm, type LlmConfig } from '../../llm/index.js';
import {
  LlmProfiles,
  SettingsStore,
  UnusableProfileError,
  MetaProfiles,
  llm,
  LLMDto,
  toLlmConfig,
} from '../../settings/index.js';
import type { JsonObject } from '../../json/index.js';

/** The models of stored LLM profiles. */
@Injectable()
export class ModelProfiles {
  constructor(
    private readonly profiles: LlmProfiles,
    private readonly metaProfiles: MetaProfiles,
    private readonly settings: SettingsStore,
    models: Llm,
  ) {
    models.setModelLoader((name) => this.load(name));
  }

  /**
   * Loads a meta-profile by name. Without a name, the one that is active in the settings, or the first one.
   * @returns undefined if there are no meta-profiles
   * @throws NoSuchEntryError, UnusableProfileError
   */
  async loadMetaProfile(name: string | null): Promise<JsonObject | undefined> {
    const chosen =
      name ??
      (await this.settings.loadForReading()).active_meta_profile ??
      (await this.metaProfiles.list())[0]?.name;
    return chosen === undefined ? undefined : this.metaProfiles.load(chosen);
  }

  /** The names of all LLM profiles, sorted. */
  names(): Promise<string[]> {
    return this.profiles.names();
  }

  /**
   * Loads the model of a profile, secrets in clear. Its cost is counted under a usage id of its own.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError
   */
  async load(name: string): Promise<LlmConfig> {
    const profile = await this.profiles.load(name);
    return this.fromFields(profile.name, profile.llm);
  }

  /**
   * The same as fields of `agent_settings.llm`, counted as the agent's own model.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError
   */
  async loadFields(name: string): Promise<JsonObject> {
    const { name: stored, llm: fields } = await this.profiles.load(name);
    toConfig(stored, fields);
    return fields;
  }

  /**
   * Creates such a model from fields that a conversation contains.
   * @throws UnusableProfileError
   */
  fromFields(name: string, llm: JsonObject): LlmConfig {
    return { ...toConfig(name, llm), usage_id: `profile:${name}` };
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
