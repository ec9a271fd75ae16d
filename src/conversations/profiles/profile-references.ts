import { Injectable } from '@nestjs/common';
import { ContextLoader, DEFAULT_LIST, type Skill } from '../../agent/skills/index.js';
import { LlmProfiles, MetaProfiles, MissingEntryError, SettingsStore } from '../../settings/index.js';
import { asJsonObject, asText, type JsonObject } from '../../json/index.js';

/** What an agent profile refers to, and what of it is not there. */
export interface ResolvedReferences {
  /**
   * The name of its LLM profile, and its model with secrets in clear; undefined: there is no such profile.
   */
  llmName: string;
  llm: JsonObject | undefined;
  /** MCP servers of the settings, by name, secrets in clear. */
  servers: JsonObject;
  danglingServers: string[];
  /** The key of the critic, which the settings keep for all profiles. */
  criticKey: string | null;
  /**
   * The meta-profile that chooses models, and the models that it may choose by the names of their profiles.
   */
  meta: JsonObject | undefined;
  metaLlms: JsonObject;
  /** The meta-profile that is missing, and LLM profiles that are missing to the one that is there. */
  danglingMeta: string | null;
  danglingMetaLlms: string[];
  /** Skills of the public repository, as it was last fetched. */
  publicSkills: Skill[];
}

/** Looks up what agent profiles refer to. */
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

  /** The servers that are named; all where none are. */
  private async fromSettings(
    refs: unknown,
  ): Promise<Pick<ResolvedReferences, 'servers' | 'danglingServers' | 'criticKey'>> {
    const { agent } = await this.settings.load();
    const known = new Map(Object.entries(asJsonObject(agent['mcp_config'])));
    const wanted = Array.isArray(refs) ? refs.map(String) : [...known.keys()];
    return {
      servers: Object.fromEntries([...known].filter(([name]) => wanted.includes(name))),
      danglingServers: wanted.filter((name) => !known.has(name)),
      criticKey: asText(asJsonObject(agent['verification'])['critic_api_key']),
    };
  }

  /** A meta-profile counts only where it is to choose models. */
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
    // A model that chooses by a template may name any profile.
    const choosable = meta['prompt_template'] === null ? needed : new Set([...needed, ...names]);
    return { ...none, meta, metaLlms: await this.loadLlms(choosable) };
  }

  /** Models by the names of their profiles. Those that cannot be used are none to choose. */
  private async loadLlms(names: ReadonlySet<string>): Promise<JsonObject> {
    const loaded = [...names].map(async (name) => {
      const found = await this.llms.load(name).catch(() => undefined);
      return found ? [[name, found.llm] as const] : [];
    });
    return Object.fromEntries((await Promise.all(loaded)).flat());
  }

  /** The public skills that are named, all where none are, but not those that the profile switches off. */
  private async publicSkills({
    agent_kind: kind = 'openhands',
    public_skills: refs = null,
    disabled_skills: disabled,
  }: JsonObject): Promise<Skill[]> {
    const isWanted = (name: string) => !Array.isArray(refs) || refs.includes(name);
    if (kind !== 'openhands' || (Array.isArray(refs) && refs.length === 0)) return [];
    const skills = await this.context.publicSkills(DEFAULT_LIST, this.context.warn('public skills'));
    return skills.filter(
      ({ name }) => isWanted(name) && !(Array.isArray(disabled) && disabled.includes(name)),
    );
  }
}

/** What a meta-profile brings. */
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
