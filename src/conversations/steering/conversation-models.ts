import { isDeepStrictEqual } from 'node:util';
import type { AgentSpec } from '../../agent/agent-spec.js';
import type { CondenserSpec } from '../../agent/condenser/condenser-spec.js';
import { errorMessage } from '../../errors/index.js';
import {
  textContent,
  type Content,
  type DurableEvent,
  type EventDraft,
  type Message,
} from '../../events/index.js';
import type { LlmConfig } from '../../llm/request/llm-config.js';
import type { LlmResponse } from '../../llm/llm.js';
import { ProfileNotFoundError } from '../../settings/index.js';
import {
  HostRefusal,
  type ModelAnswer,
  type ModelQuestion,
  type RoutedModel,
  type ToolModels,
} from '../../tools/tool.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import { agentInEvents } from '../state/conversation-info.js';
import { stateUpdate } from '../runs/run.js';
import { parseRoute, routingQuestion, parseRoutingTable, type RoutingTable } from './task-router.js';

/** What models need of the conversation that they serve. */
export interface ModelsHost {
  readonly state: ConversationState;
  /** Writes the snapshot: events show no secrets, so a changed model is not in the log. */
  save(): Promise<void>;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  /** What was said so far, one `role: text` after the other. */
  transcript(): string;
}

/** The models of stored profiles, for the tools of one conversation. */
export class ConversationModels implements ToolModels {
  names: readonly string[] = [];
  visionNames: readonly string[] = [];

  constructor(
    private readonly host: ModelsHost,
    private readonly services: Pick<ConversationServices, 'llm' | 'models' | 'secrets'>,
  ) {}

  /** Looks up which profiles there are, and which of them can see for an agent that cannot. */
  async prepare(): Promise<void> {
    const { llm, models } = this.services;
    // A folder that cannot be read has no profiles for anybody.
    this.names = await models.names().catch(() => []);
    if (llm.supportsVision(this.host.state.agent.llm)) return;
    const seeing = await Promise.all(this.names.map((name) => this.supportsVision(name)));
    this.visionNames = this.names.filter((_name, index) => seeing[index]);
  }

  private async supportsVision(profile: string): Promise<boolean> {
    const { llm, models } = this.services;
    // One that cannot be used is none to choose.
    return models.load(profile).then(
      (config) => llm.supportsVision(config),
      () => false,
    );
  }

  async switchTo(profile: string): Promise<string> {
    return this.use(await this.load(profile));
  }

  private async use(llm: LlmConfig): Promise<string> {
    const { state } = this.host;
    const agent: AgentSpec = {
      ...state.agent,
      llm,
      condenser: withAgentLlm(state.agent.condenser, state.agent.llm, llm),
    };
    if (!isDeepStrictEqual(agent, state.agent)) {
      state.agent = agent;
      await this.host.save();
      const shown = agentInEvents(this.services.secrets.mask({ ...agent }), state.client_tools);
      await this.host.commit([stateUpdate('agent', shown)]);
    }
    return llm.model;
  }

  async route(params: Record<string, unknown>, signal: AbortSignal): Promise<RoutedModel> {
    const table = await this.routingTable(params);
    if (!table)
      throw new HostRefusal(
        'There is no meta-profile that says which model suits which task, or it is not valid.',
      );
    const own = asJsonObject(params['meta_profile_llms']);
    const { text } = await this.ask(routingQuestion(table, this.host.transcript()), signal, own);
    const names = [...Object.keys(own), ...(await this.services.models.names())];
    const { chosenClass, profile } = parseRoute(table, text, names);
    return { chosenClass, profile, model: await this.use(await this.load(profile, own)) };
  }

  private async routingTable({
    meta_profile: given,
    active_meta_profile: name,
  }: Record<string, unknown>): Promise<RoutingTable | undefined> {
    const table = parseRoutingTable(given);
    if (table) return table;
    try {
      return parseRoutingTable(
        await this.services.models.loadMetaProfile(typeof name === 'string' ? name : null),
      );
    } catch (error) {
      throw new HostRefusal(errorMessage(error));
    }
  }

  async ask(asked: ModelQuestion, signal: AbortSignal, own: JsonObject = {}): Promise<ModelAnswer> {
    const loaded = await this.load(asked.profile, own);
    const usage_id = asked.bucket ?? `${asked.profile}:${loaded.model}`;
    const config: LlmConfig = { ...loaded, usage_id, stream: false };
    const response = await this.complete(config, asked, signal);
    await this.host.commit([this.host.countUsage(usage_id, config.model, response)]);
    const text = response.message.content.map((block) => block.text).join('');
    return { text, model: config.model, baseUrl: config.base_url };
  }

  private async complete(
    config: LlmConfig,
    { instructions, question, images = [] }: ModelQuestion,
    signal: AbortSignal,
  ): Promise<LlmResponse> {
    const content: Content[] = [textContent(question)];
    if (images.length > 0) content.push({ cache_prompt: false, type: 'image', image_urls: [...images] });
    const messages: Message[] = [{ role: 'user', content, thinking_blocks: [] }];
    if (instructions !== undefined) {
      messages.unshift({ role: 'system', content: [textContent(instructions)], thinking_blocks: [] });
    }
    const { id: conversationId } = this.host.state;
    try {
      return await this.services.llm.complete({ config, messages, tools: [], conversationId, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new HostRefusal(errorMessage(error));
    }
  }

  /** @param own models that count before those of stored profiles, by name */
  private async load(profile: string, own: JsonObject = {}): Promise<LlmConfig> {
    const { models } = this.services;
    try {
      const given = Object.hasOwn(own, profile) ? own[profile] : undefined;
      return isJsonObject(given) ? models.fromFields(profile, given) : await models.load(profile);
    } catch (error) {
      if (error instanceof ProfileNotFoundError)
        throw new HostRefusal(`LLM profile '${profile}' was not found.`);
      throw new HostRefusal(`LLM profile '${profile}' cannot be used: ${errorMessage(error)}`);
    }
  }
}

/** A condenser with the agent's model goes on with the new one, at its own bucket. */
function withAgentLlm(
  condenser: CondenserSpec | null,
  before: LlmConfig,
  after: LlmConfig,
): CondenserSpec | null {
  if (condenser?.kind !== 'LLMSummarizingCondenser') return condenser;
  const { usage_id } = condenser.llm;
  if (!isDeepStrictEqual(condenser.llm, { ...before, usage_id })) return condenser;
  return { ...condenser, llm: { ...after, usage_id } };
}
