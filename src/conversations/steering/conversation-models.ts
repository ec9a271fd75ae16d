import { isDeepStrictEqual } from 'node:util';
import type { AgentSpec, AgentView, CondenserSpec } from '../../agent/index.js';
import { errorMessage } from '../../errors/index.js';
import { plainText, textContent, type Content, type Message, stateUpdate } from '../../events/index.js';
import type { LlmConfig, LlmResponse } from '../../llm/index.js';
import { ProfileNotFoundError } from '../../settings/index.js';
import {
  HostRefusal,
  type ModelAnswer,
  type ModelQuestion,
  type RoutedModel,
  type ToolModels,
} from '../../tools/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { Journal } from '../journal/journal.js';
import type { UsageMeter } from '../state/usage-meter.js';
import { agentInEvents } from '../state/conversation-info.js';
import { parseRoute, routingQuestion, parseRoutingTable, type RoutingTable } from './task-router.js';

/** Gives the tools of one conversation access to the models of stored LLM profiles. */
export class ConversationModels implements ToolModels {
  names: readonly string[] = [];
  visionNames: readonly string[] = [];

  constructor(
    private readonly journal: Journal,
    private readonly usage: UsageMeter,
    private readonly services: Pick<ConversationServices, 'llm' | 'models' | 'secretCodec'>,
  ) {}

  /** Loads the names of profiles and, if the agent's model has no vision, of those that have. */
  async prepare(): Promise<void> {
    const { llm, models } = this.services;
    // An unreadable folder counts as empty.
    this.names = await models.names(this.journal.state).catch(() => []);
    if (llm.supportsVision(this.journal.state.agent.llm)) return;
    const haveVision = await Promise.all(this.names.map((name) => this.supportsVision(name)));
    this.visionNames = this.names.filter((_name, index) => haveVision[index]);
  }

  private async supportsVision(profile: string): Promise<boolean> {
    const { llm, models } = this.services;
    // An unusable profile is not offered.
    return models.load(profile, this.journal.state).then(
      (config) => llm.supportsVision(config),
      () => false,
    );
  }

  async switchTo(profile: string): Promise<string> {
    return this.replaceModel(await this.load(profile));
  }

  private async replaceModel(llm: LlmConfig): Promise<string> {
    const { state } = this.journal;
    const agent: AgentSpec = {
      ...state.agent,
      llm,
      condenser: withAgentLlm(state.agent.condenser, state.agent.llm, llm),
    };
    if (!isDeepStrictEqual(agent, state.agent)) {
      state.agent = agent;
      await this.journal.save();
      const shown = agentInEvents(this.services.secretCodec.mask({ ...agent }), state.client_tools);
      await this.journal.commit([stateUpdate('agent', shown)]);
    }
    return llm.model;
  }

  async route(params: Record<string, unknown>, signal: AbortSignal): Promise<RoutedModel> {
    const table = await this.routingTable(params);
    if (!table)
      throw new HostRefusal(
        'There is no meta-profile that says which model suits which task, or it is not valid.',
      );
    const ownModels = asJsonObject(params['meta_profile_llms']);
    const { text } = await this.ask(
      routingQuestion(table, transcriptOf(this.journal.views.current)),
      signal,
      ownModels,
    );
    const names = [...Object.keys(ownModels), ...(await this.services.models.names(this.journal.state))];
    const { chosenClass, profile } = parseRoute(table, text, names);
    return { chosenClass, profile, model: await this.replaceModel(await this.load(profile, ownModels)) };
  }

  private async routingTable({
    meta_profile: inline,
    active_meta_profile: name,
  }: Record<string, unknown>): Promise<RoutingTable | undefined> {
    const table = parseRoutingTable(inline);
    if (table) return table;
    try {
      return parseRoutingTable(
        await this.services.models.loadMetaProfile(
          typeof name === 'string' ? name : null,
          this.journal.state,
        ),
      );
    } catch (error) {
      throw new HostRefusal(errorMessage(error));
    }
  }

  /** @param ownModels models by name that take precedence over stored profiles */
  async ask(question: ModelQuestion, signal: AbortSignal, ownModels: JsonObject = {}): Promise<ModelAnswer> {
    const loaded = await this.load(question.profile, ownModels);
    const usage_id = question.usageId ?? `${question.profile}:${loaded.model}`;
    const config: LlmConfig = { ...loaded, usage_id, stream: false };
    const response = await this.complete(config, question, signal);
    await this.journal.commit([this.usage.count(usage_id, config.model, response)]);
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
    const { id: conversationId } = this.journal.state;
    try {
      return await this.services.llm.complete({ config, messages, tools: [], conversationId, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new HostRefusal(errorMessage(error));
    }
  }

  private async load(profile: string, ownModels: JsonObject = {}): Promise<LlmConfig> {
    const { models } = this.services;
    try {
      const own = Object.hasOwn(ownModels, profile) ? ownModels[profile] : undefined;
      const { state } = this.journal;
      return isJsonObject(own) ? models.fromFields(profile, own, state) : await models.load(profile, state);
    } catch (error) {
      if (error instanceof ProfileNotFoundError)
        throw new HostRefusal(`LLM profile '${profile}' was not found.`);
      throw new HostRefusal(`LLM profile '${profile}' cannot be used: ${errorMessage(error)}`);
    }
  }
}

/** A condenser that uses the agent's model switches with it. Its usage id stays. */
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

/** The messages that the agent sees, one `role: text` after the other. */
function transcriptOf(view: AgentView): string {
  return view.events
    .flatMap((event) => (event.kind === 'MessageEvent' ? [event.llm_message] : []))
    .map(({ role, content }) => `${role}: ${plainText(content)}`)
    .join('\n');
}
