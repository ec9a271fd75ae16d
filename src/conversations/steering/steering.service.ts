import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { DomainError, InvalidRequestError } from '../../errors/index.js';
import { AcpUnsupportedError, agentStateUpdate, withModels } from '../../acp/index.js';
import { type AcpAgentSpec, type AgentSpec, AgentQuestions } from '../../agent/index.js';
import { withoutNulls, type EventDraft, stateUpdate } from '../../events/index.js';
import { SecretCodec } from '../../crypto/index.js';
import type { LlmConfig } from '../../llm/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { traced } from '../../telemetry/index.js';
import type { Conversation } from '../conversation/conversation.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { agentInEvents } from '../state/conversation-info.js';
import { assertModelServed } from '../conversation/new-conversation.js';
import { assertOwnModel, assertOwnSecrets, isOwnKeys } from '../owners/own-key-rules.js';
import { ModelProfiles } from '../profiles/model-profiles.js';
import { inScope } from '../profiles/secret-scope.js';
import { decryptRequestSecrets } from '../secrets/request-secrets.js';
import { operationSpan } from '../tracing/conversation-spans.js';
import { assertSecretsFit } from '../secrets/secret-sources.js';

/** A configuration object whose `kind` names its class. */
type OfKind = JsonObject & { kind: string };

/** The model returned an empty answer to a question. */
class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  constructor() {
    super('The model gave no answer to the question');
  }
}

/** The agent of the conversation has no marketplaces to load plugins from. */
class NoMarketplacesError extends DomainError {
  override readonly name = 'NoMarketplacesError';
  readonly kind = 'rejected';
}

/**
 * Changes the confirmation policy, security analyzer, secrets, model and plugins of existing conversations.
 */
@Injectable()
export class SteeringService {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly codec: SecretCodec,
    private readonly models: ModelProfiles,
    private readonly questions: AgentQuestions,
  ) {}

  /** Applies to later decisions. Actions that already wait for confirmation keep waiting. */
  async setConfirmationPolicy(id: string, policy: OfKind): Promise<void> {
    const conversation = await this.registry.acquire(id);
    if (isDeepStrictEqual(conversation.state.confirmation_policy, policy)) return;
    await conversation.change(
      (state) => (state.confirmation_policy = policy),
      stateUpdate('confirmation_policy', policy),
    );
  }

  /**
   * Applies from the next answer of the model on; null removes the analyzer. Secrets may be sent as tokens
   * that this server encrypted.
   * @throws InvalidRequestError for a token of another server
   */
  async setSecurityAnalyzer(id: string, sent: OfKind | null): Promise<void> {
    const conversation = await this.registry.acquire(id);
    const analyzer = sent && { ...sent, ...this.decrypt({ ...sent }, 'security_analyzer') };
    if (isDeepStrictEqual(conversation.state.security_analyzer, analyzer)) return;
    await conversation.change(
      (state) => (state.security_analyzer = analyzer),
      stateUpdate('security_analyzer', analyzer ? this.forEvent(analyzer) : undefined),
    );
  }

  /**
   * Adds or replaces secrets; no event is written. Secrets may be sent as tokens that this server encrypted.
   * Those that the agent profile does not allow are left out.
   */
  async addSecrets(id: string, secrets: Record<string, JsonObject>): Promise<void> {
    const conversation = await this.registry.acquire(id);
    const { secrets: decrypted } = this.decrypt({ secrets });
    if (!isSources(decrypted)) throw new TypeError('secrets are not sources by name');
    if (isOwnKeys(conversation.state)) assertOwnSecrets(decrypted);
    await conversation.change((state) => {
      const all = { ...state.secrets, ...inScope(decrypted, state.launched_agent_profile) };
      assertSecretsFit({ agent: state.agent, secrets: all }, ['body', 'secrets']);
      state.secrets = all;
    });
  }

  /**
   * Replaces the agent's model from its next step on. Secrets may be sent as tokens that this server
   * encrypted.
   * @throws InvalidRequestError for a token of another server, a provider connection that does not exist, or
   *   a
   *   model that no provider serves
   * @throws AcpUnsupportedError for an ACP agent
   */
  async switchLlm(id: string, llm: LlmConfig): Promise<void> {
    const conversation = await this.registry.acquire(id);
    if (isOwnKeys(conversation.state)) assertOwnModel(llm);
    await this.replaceLlm(conversation, llm);
  }

  /**
   * Replaces the agent's model by that of an LLM profile.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError, and as `switchLlm`
   */
  async switchProfile(id: string, profile: string): Promise<void> {
    const conversation = await this.registry.acquire(id);
    await this.replaceLlm(conversation, await this.models.load(profile, conversation.state));
  }

  private async replaceLlm(conversation: Conversation, llm: LlmConfig): Promise<void> {
    if (conversation.state.agent.kind === 'ACPAgent') {
      throw new AcpUnsupportedError('An ACP agent has models of its own: use switch_acp_model.');
    }
    const decrypted: LlmConfig = { ...llm, ...this.decrypt({ ...llm }, 'llm') };
    assertReachable(decrypted);
    assertModelServed(decrypted.model, ['body', 'llm', 'model']);
    const agent: AgentSpec = { ...conversation.state.agent, llm: decrypted };
    if (isDeepStrictEqual(conversation.state.agent, agent)) return;
    // Reads the agent when the change is applied: it may have been replaced in the meantime.
    await conversation.change(
      (state) => (state.agent = { ...state.agent, llm: decrypted }),
      this.agentUpdate(conversation, agent),
    );
  }

  /**
   * Replaces the model of an ACP agent: at once if its program runs, otherwise when it is started.
   * @throws AcpUnsupportedError for a built-in agent, or with the agent's own refusal; AcpTimeoutError
   */
  async switchAcpModel(id: string, model: string): Promise<void> {
    const conversation = await this.registry.acquire(id);
    const { acpAgent } = conversation.agentRuntime;
    if (!acpAgent) throw new AcpUnsupportedError('switch_acp_model is only supported for ACP conversations.');
    const running = await acpAgent.switchModel(model);
    const { state } = conversation;
    const { agent } = state;
    if (agent.kind !== 'ACPAgent') return;
    const changed: AcpAgentSpec = { ...agent, acp_model: model, llm: { ...agent.llm, model } };
    const agentState = running && withModels(state.agent_state, running);
    if (isDeepStrictEqual(changed, agent) && !agentState) return;
    await conversation.change(
      () => {
        state.agent = changed;
        // In the snapshot, too: lists of other servers show that.
        if (agentState) state.agent_state = agentState;
      },
      this.agentUpdate(conversation, changed),
      ...(agentState ? [agentStateUpdate(agentState)] : []),
    );
  }

  /**
   * Asks the model, or the ACP agent, about the conversation. Also possible during a run. Question and answer
   * are not stored; the call is counted in the statistics.
   * @throws LlmError, NoAnswerError, BudgetSpentError, AcpError, AcpUnsupportedError, AcpTimeoutError
   */
  async ask(id: string, question: string): Promise<string> {
    const conversation = await this.open(id);
    return conversation.trackBackground((signal) =>
      traced(
        'ask_agent',
        () => operationSpan(conversation.state, conversation.agentRuntime.masker),
        () => this.askIn(conversation, question, signal),
      ),
    );
  }

  private async askIn(conversation: Conversation, question: string, signal: AbortSignal): Promise<string> {
    await conversation.agentRuntime.usage.assertAffordable();
    const view = await conversation.agentRuntime.prepareView();
    const { acpAgent } = conversation.agentRuntime;
    if (acpAgent) {
      const answer = await acpAgent.ask(question, {
        agentState: conversation.state.agent_state,
        signal,
        append: (...drafts) => conversation.change(() => undefined, ...drafts),
      });
      if (answer.trim() === '') throw new NoAnswerError();
      return conversation.agentRuntime.masker.mask(answer);
    }
    const { text, config, response } = await this.questions.ask(question, {
      conversationId: conversation.id,
      view,
      llm: conversation.state.agent.llm,
      tools: conversation.agentRuntime.toolset.tools(),
      signal,
    });
    const usage = conversation.agentRuntime.usage.count(config.usage_id, config.model, response);
    await conversation.agentRuntime.journal.commit([usage]);
    if (text.trim() === '') throw new NoAnswerError();
    return conversation.agentRuntime.masker.mask(text);
  }

  /**
   * Loads a plugin of a registered marketplace.
   * @throws NoMarketplacesError, UnknownPluginError, PluginSourceError
   */
  async loadPlugin(id: string, ref: string): Promise<void> {
    const conversation = await this.registry.acquire(id);
    assertMarketplaces(conversation.state.agent);
    const plugin = await conversation.agentRuntime.readPlugin(ref);
    const events: EventDraft[] = [];
    await conversation.change(() => events.push(...plugin.apply()));
    await conversation.commit(events);
    await plugin.start();
  }

  private async open(id: string): Promise<Conversation> {
    try {
      return await this.registry.acquire(id);
    } catch (error) {
      if (error instanceof ConversationNotFoundError) throw new ConversationNotFoundError(id, 'Conversation');
      throw error;
    }
  }

  /** @param field path of `value` in the body; empty: `value` is the body itself */
  private decrypt(value: JsonObject, ...field: string[]): JsonObject {
    return decryptRequestSecrets(this.codec, value, (path) => ['body', ...field, ...path]);
  }

  private agentUpdate({ state }: Conversation, agent: AgentSpec): EventDraft {
    return stateUpdate('agent', agentInEvents(this.codec.mask({ ...agent }), state.client_tools));
  }

  /** Secrets masked, nulls left out. */
  private forEvent(value: JsonObject): unknown {
    return withoutNulls(this.codec.mask(value));
  }
}

/** Connections are resolved only when an LLM profile is loaded: here a model needs a key of its own. */
function assertReachable({ provider_connection_id: connection, api_key }: LlmConfig): void {
  if (connection === null || api_key !== null) return;
  throw new InvalidRequestError(
    [],
    `LLM config references provider connection '${connection.slice(0, 100)}', which does not exist.`,
  );
}

function assertMarketplaces({ agent_context: context }: AgentSpec): void {
  const marketplaces = context?.['registered_marketplaces'];
  if (marketplaces === undefined) {
    throw new NoMarketplacesError(
      'No agent context available. Configure agent_context with registered_marketplaces to use load_plugin().',
    );
  }
  if (Array.isArray(marketplaces) && marketplaces.length > 0) return;
  throw new NoMarketplacesError(
    'No marketplaces registered. Configure registered_marketplaces in AgentContext to use load_plugin().',
  );
}

function isSources(value: unknown): value is Record<string, JsonObject> {
  return isJsonObject(value) && Object.values(value).every(isJsonObject);
}
