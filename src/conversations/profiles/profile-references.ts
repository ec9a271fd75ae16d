import { Injectable } from '@nestjs/common';
import { ContextLoader, DEFAULT_MARKETPLACE, type Skill } from '../../agent/index.js';
import { asJsonObject, asText, type JsonObject } from '../../json/index.js';
import { LlmProfiles, MetaProfiles, MissingEntryError, SettingsStore } from '../../settings/index.js';

/** What an agent profile refers to, and which references are dangling. */
export interface ResolvedReferences {
  /** The name of the LLM profile. */
  llmName: string;
  /** The model of that profile, secrets in clear; undefined if the profile does not exist. */
  llm: JsonObject | undefined;
  /** MCP servers from the settings, by name, secrets in clear. */
  servers: JsonObject;
  danglingServers: string[];
  /** The API key of the critic from the settings. */
  criticKey: string | null;
  /** The meta-profile that chooses models. */
  meta: JsonObject | undefined;
  /** The models that it may choose, by the names of their LLM profiles. */
  metaLlms: JsonObject;
  /** The name of a meta-profile that does not exist. */
  danglingMeta: string | null;
  /** LLM profiles that the meta-profile names and that do not exist. */
  danglingMetaLlms: string[];
  /** Skills of the public repository as last fetched. */
  publicSkills: Skill[];
}

/** Resolves the references of agent profiles. */
@Injectable()
export class ProfileReferences {
  constructor(
    private readonly llms: LlmProfiles,
    private readonly metas: MetaProfiles,
    private readonly settings: SettingsStore,
    private readonly context: ContextLoader,
  ) {}

  /** @throws UnusableProfileError, InvalidProfileNameError, DanglingConnectionError, UnreadableStoreError */
  async resolve(profile: JsonObject): Promise<ResolvedReferences> {
    const llmName = String(profile['llm_profile_ref']);
    const found = await orUndefined(this.llms.load(llmName));
    return {
      llmName,
      llm: found?.llm,
      ...(await this.fromSettings(profile['mcp_server_refs'])),
      ...(await this.resolveMetaProfile(profile)),
      publicSkills: await this.publicSkills(profile),
    };
  }

  /**
   * The model of an LLM profile, secrets in clear.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError, DanglingConnectionError
   */
  async loadLlm(name: string): Promise<JsonObject> {
    return (await this.llms.load(name)).llm;
  }

  /** The named servers; all servers if no list is given. */
  private async fromSettings(
    refs: unknown,
  ): Promise<Pick<ResolvedReferences, 'servers' | 'danglingServers' | 'criticKey'>> {
    const { agent } = await this.settings.load();
    const known = new Map(Object.entries(asJsonObject(agent['mcp_config'])));
    const names = Array.isArray(refs) ? refs.map(String) : [...known.keys()];
    return {
      servers: Object.fromEntries([...known].filter(([name]) => names.includes(name))),
      danglingServers: names.filter((name) => !known.has(name)),
      criticKey: asText(asJsonObject(agent['verification'])['critic_api_key']),
    };
  }

  /** A meta-profile is used only if the tool that switches models is enabled. */
  private async resolveMetaProfile({
    meta_profile_ref: ref = null,
    enable_classify_and_switch_llm_tool: isUsed = false,
  }: JsonObject): Promise<ResolvedMetaProfile> {
    const none = { meta: undefined, metaLlms: {}, danglingMeta: null, danglingMetaLlms: [] };
    if (typeof ref !== 'string' || isUsed !== true) return none;
    const meta = await orUndefined(this.metas.load(ref));
    if (!meta) return { ...none, danglingMeta: ref };
    const { classifier_model, classes } = meta;
    const models = Array.isArray(classes) ? classes.map((entry: { model?: unknown }) => entry.model) : [];
    const names = await this.llms.names();
    const needed = new Set([classifier_model, ...models].map(String));
    const missing = [...needed].filter((name) => !names.includes(name));
    if (missing.length > 0) return { ...none, meta, danglingMetaLlms: missing };
    // With a prompt template the classifier may name any profile.
    const choosable = meta['prompt_template'] === null ? needed : new Set([...needed, ...names]);
    return { ...none, meta, metaLlms: await this.loadLlms(choosable) };
  }

  /** Models by the names of their profiles. Unusable ones are left out. */
  private async loadLlms(names: ReadonlySet<string>): Promise<JsonObject> {
    const loaded = [...names].map(async (name) => {
      const found = await this.llms.load(name).catch(() => undefined);
      return found ? [[name, found.llm] as const] : [];
    });
    return Object.fromEntries((await Promise.all(loaded)).flat());
  }

  /** The named public skills (all if no list is given), without those that the profile disables. */
  private async publicSkills({
    agent_kind: kind = 'openhands',
    public_skills: refs = null,
    disabled_skills: disabled,
  }: JsonObject): Promise<Skill[]> {
    const isWanted = (name: string) => !Array.isArray(refs) || refs.includes(name);
    if (kind !== 'openhands' || (Array.isArray(refs) && refs.length === 0)) return [];
    const skills = await this.context.publicSkills(DEFAULT_MARKETPLACE, this.context.warn('public skills'));
    return skills.filter(
      ({ name }) => isWanted(name) && !(Array.isArray(disabled) && disabled.includes(name)),
    );
  }
}

/** The part of the references that comes from the meta-profile. */
type ResolvedMetaProfile = Pick<
  ResolvedReferences,
  'meta' | 'metaLlms' | 'danglingMeta' | 'danglingMetaLlms'
>;

async function orUndefined<T>(loading: Promise<T>): Promise<T | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof MissingEntryError) return undefined;
    throw error;
  }
}
