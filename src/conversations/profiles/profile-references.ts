import { Injectable } from '@nestjs/common';
import { LlmProfiles, MetaProfiles, MissingEntryError, SettingsStore } from '../../settings/index.js';
import type { JsonObject } from '../../storage/index.js';

/** What an agent profile refers to, and what of it is not there. */
export interface FoundReferences {
  /** The name of its LLM profile, and its model with secrets in clear; undefined: there is no such profile. */
  llmName: string;
  llm: JsonObject | undefined;
  /** MCP servers of the settings, by name, secrets in clear. */
  servers: JsonObject;
  danglingServers: string[];
  /** The meta-profile that is missing, and LLM profiles that are missing to the one that is there. */
  danglingMeta: string | null;
  danglingMetaLlms: string[];
}

/** Looks up what agent profiles refer to. */
@Injectable()
export class ProfileReferences {
  constructor(
    private readonly llms: LlmProfiles,
    private readonly metas: MetaProfiles,
    private readonly settings: SettingsStore,
  ) {}

  /** @throws UnusableProfileError, InvalidProfileNameError, DanglingConnectionError, UnreadableStoreError */
  async find(profile: JsonObject): Promise<FoundReferences> {
    const llmName = String(profile['llm_profile_ref']);
    const found = await existing(this.llms.load(llmName));
    return {
      llmName,
      llm: found?.llm,
      ...(await this.serversOf(profile['mcp_server_refs'])),
      ...(await this.metaOf(profile)),
    };
  }

  /** Those that are named; all where none are. */
  private async serversOf(refs: unknown): Promise<Pick<FoundReferences, 'servers' | 'danglingServers'>> {
    const { agent } = await this.settings.load();
    const { mcp_config: all } = agent;
    const known = new Map(Object.entries(typeof all === 'object' && all !== null ? all : {}));
    const wanted = Array.isArray(refs) ? refs.map(String) : [...known.keys()];
    return {
      servers: Object.fromEntries([...known].filter(([name]) => wanted.includes(name))),
      danglingServers: wanted.filter((name) => !known.has(name)),
    };
  }

  /** A meta-profile counts only where it is to choose models. */
  private async metaOf({
    meta_profile_ref: ref = null,
    enable_classify_and_switch_llm_tool: isUsed = false,
  }: JsonObject): Promise<Pick<FoundReferences, 'danglingMeta' | 'danglingMetaLlms'>> {
    if (typeof ref !== 'string' || isUsed !== true) return { danglingMeta: null, danglingMetaLlms: [] };
    const meta = await existing(this.metas.load(ref));
    if (!meta) return { danglingMeta: ref, danglingMetaLlms: [] };
    const { classifier_model, classes } = meta;
    const models = Array.isArray(classes) ? classes.map((entry: { model?: unknown }) => entry.model) : [];
    const names = await this.llms.names();
    const missing = [classifier_model, ...models].map(String).filter((name) => !names.includes(name));
    return { danglingMeta: null, danglingMetaLlms: [...new Set(missing)] };
  }
}

async function existing<T>(loading: Promise<T>): Promise<T | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof MissingEntryError) return undefined;
    throw error;
  }
}
