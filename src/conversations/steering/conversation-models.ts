import { isDeepStrictEqual } from 'node:util';
import type { AgentSpec } from '../../agent/agent-spec.js';
import type { CondenserSpec } from '../../agent/condenser/condenser-spec.js';
import { errorMessage } from '../../errors/index.js';
import { textContent, withoutNulls, type DurableEvent, type EventDraft } from '../../events/index.js';
import type { LlmConfig } from '../../llm/llm-config.js';
import type { LlmResponse } from '../../llm/llm.js';
import { ProfileNotFoundError } from '../../settings/index.js';
import { HostRefusal, type ToolModels } from '../../tools/tool.js';
import type { ConversationServices } from '../conversation-parts.js';
import type { ConversationState } from '../conversation-state.js';
import { stateUpdate } from '../run.js';

/** What models need of the conversation that they serve. */
export interface ModelsHost {
  readonly state: ConversationState;
  /** Writes the snapshot: events show no secrets, so a changed model is not in the log. */
  save(): Promise<void>;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
}

/** The models of stored profiles, for the tools of one conversation. */
export class ConversationModels implements ToolModels {
  names: readonly string[] = [];

  constructor(
    private readonly host: ModelsHost,
    private readonly services: Pick<ConversationServices, 'llm' | 'models' | 'secrets'>,
  ) {}

  /** Looks up which profiles there are. */
  async prepare(): Promise<void> {
    this.names = await this.services.models.names();
  }

  async switchTo(profile: string): Promise<string> {
    const llm = await this.load(profile);
    const { state } = this.host;
    const agent: AgentSpec = {
      ...state.agent,
      llm,
      condenser: follow(state.agent.condenser, state.agent.llm, llm),
    };
    if (!isDeepStrictEqual(agent, state.agent)) {
      state.agent = agent;
      await this.host.save();
      const shown = withoutNulls(this.services.secrets.mask({ ...agent }));
      await this.host.commit([stateUpdate('agent', shown)]);
    }
    return llm.model;
  }

  async ask(
    { profile, instructions, question }: { profile: string; instructions: string; question: string },
    signal: AbortSignal,
  ): Promise<string> {
    const loaded = await this.load(profile);
    const config: LlmConfig = { ...loaded, usage_id: `${profile}:${loaded.model}`, stream: false };
    const response = await this.complete(config, instructions, question, signal);
    await this.host.commit([this.host.countUsage(config.usage_id, config.model, response)]);
    return response.message.content.map(({ text }) => text).join('');
  }

  private async complete(
    config: LlmConfig,
    instructions: string,
    question: string,
    signal: AbortSignal,
  ): Promise<LlmResponse> {
    try {
      return await this.services.llm.complete({
        config,
        messages: [
          { role: 'system', content: [textContent(instructions)], thinking_blocks: [] },
          { role: 'user', content: [textContent(question)], thinking_blocks: [] },
        ],
        tools: [],
        conversationId: this.host.state.id,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new HostRefusal(errorMessage(error));
    }
  }

  private async load(profile: string): Promise<LlmConfig> {
    try {
      return await this.services.models.load(profile);
    } catch (error) {
      if (error instanceof ProfileNotFoundError)
        throw new HostRefusal(`LLM profile '${profile}' was not found.`);
      throw new HostRefusal(`LLM profile '${profile}' cannot be used: ${errorMessage(error)}`);
    }
  }
}

/** A condenser with the agent's model goes on with the new one, at its own bucket. */
function follow(condenser: CondenserSpec | null, before: LlmConfig, after: LlmConfig): CondenserSpec | null {
  if (condenser?.kind !== 'LLMSummarizingCondenser') return condenser;
  const { usage_id } = condenser.llm;
  if (!isDeepStrictEqual(condenser.llm, { ...before, usage_id })) return condenser;
  return { ...condenser, llm: { ...after, usage_id } };
}
