import { InvalidRequestError } from '../../errors/index.js';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { AcpUnsupportedError, agentStateUpdate, withModels } from '../../acp/index.js';
import type { AcpAgentSpec, AgentSpec } from '../../agent/agent-spec.js';
import { AgentQuestions } from '../../agent/agent-questions.js';
import { withoutNulls, type EventDraft } from '../../events/index.js';
import type { LlmConfig } from '../../llm/request/llm-config.js';
import type { JsonObject } from '../../json/index.js';
import { assertAffordable } from '../state/budget.js';
import type { Conversation } from '../conversation/conversation.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationServices } from '../conversation/conversation-services.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { agentInEvents } from '../state/conversation-info.js';
import { assertModelServed } from '../conversation/new-conversation.js';
import { stateUpdate } from '../runs/run.js';
import { inScope } from '../profiles/secret-scope.js';
import { decryptRequestSecrets } from '../secrets/given-secrets.js';
import { assertSecretsFit } from '../secrets/secret-sources.js';

/** A configuration that is told apart by its kind. */
type OfKind = JsonObject & { kind: string };

/** The model answered a question with nothing. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  constructor() {
    super('The model gave no answer to the question');
  }
}

/** Changes how a conversation goes on: who agrees, who judges, which secrets and which model there are. */
@Injectable()
export class SteeringService {
  constructor(
    private readonly services: ConversationServices,
    private readonly registry: ConversationRegistry,
    private readonly questions: AgentQuestions,
  ) {}

  /** From the next decision on; what waits for confirmation goes on waiting. */
  async setConfirmationPolicy(id: string, policy: OfKind): Promise<void> {
    const conversation = await this.registry.acquire(id);
    if (isDeepStrictEqual(conversation.state.confirmation_policy, policy)) return;
    await conversation.change(
      (state) => (state.confirmation_policy = policy),
      stateUpdate('confirmation_policy', policy),
    );
  }

  /**
   * From the next answer of the model on; null: nobody judges. Secrets may come as tokens of this server.
   * @throws InvalidRequestError for a token of another one
   */
  async setSecurityAnalyzer(id: string, sent: OfKind | null): Promise<void> {
    const conversation = await this.registry.acquire(id);
    const analyzer = sent && { ...sent, ...this.opened({ ...sent }, 'security_analyzer') };
    if (isDeepStrictEqual(conversation.state.security_analyzer, analyzer)) return;
    await conversation.change(
      (state) => (state.security_analyzer = analyzer),
      stateUpdate('security_analyzer', analyzer ? this.shown(analyzer) : undefined),
    );
  }

  /** Adds secrets or puts others in their place. No event tells of it. Tokens of this server are opened. The
   * profile of the agent may let it have only some of them. */
  async addSecrets(id: string, secrets: Record<string, JsonObject>): Promise<void> {
    const conversation = await this.registry.acquire(id);
    const { secrets: opened } = this.opened({ secrets });
    if (!isSources(opened)) throw new TypeError('secrets are not by name');
    await conversation.change((state) => {
      const all = { ...state.secrets, ...inScope(opened, state.launched_agent_profile) };
      assertSecretsFit({ agent: state.agent, secrets: all }, ['body', 'secrets']);
      state.secrets = all;
    });
  }

  /**
   * Gives the agent another model from its next step on. Secrets may come as tokens of this server.
   * @throws InvalidRequestError for a token of another server, a connection that does not exist, or a model
   *   that nobody serves
   */
  async switchLlm(id: string, llm: LlmConfig): Promise<void> {
    const conversation = await this.registry.acquire(id);
    if (conversation.state.agent.kind === 'ACPAgent') {
      throw new AcpUnsupportedError('An ACP agent has models of its own: use switch_acp_model.');
    }
    const opened: LlmConfig = { ...llm, ...this.opened({ ...llm }, 'llm') };
    assertReachable(opened);
    assertModelServed(opened.model, ['body', 'llm', 'model']);
    const agent: AgentSpec = { ...conversation.state.agent, llm: opened };
    if (isDeepStrictEqual(conversation.state.agent, agent)) return;
    // The agent of the moment of the change: another one may have come while this one was made.
    await conversation.change(
      (state) => (state.agent = { ...state.agent, llm: opened }),
      this.agentUpdate(conversation, agent),
    );
  }

  /**
   * Gives an agent from elsewhere another model: at once if it runs, else when it is started.
   * @throws AcpUnsupportedError for an agent of our own, or in the words of the agent
   */
  async switchAcpModel(id: string, model: string): Promise<void> {
    const conversation = await this.registry.acquire(id);
    const { acpAgent: foreign } = conversation.agentRuntime;
    if (!foreign) throw new AcpUnsupportedError('switch_acp_model is only supported for ACP conversations.');
    const running = await foreign.switchModel(model);
    const { state } = conversation;
    const { agent } = state;
    if (agent.kind !== 'ACPAgent') return;
    const changed: AcpAgentSpec = { ...agent, acp_model: model, llm: { ...agent.llm, model } };
    const models = running ? [agentStateUpdate(withModels(state.agent_state, running))] : [];
    if (isDeepStrictEqual(changed, agent) && models.length === 0) return;
    await conversation.change(
      () => (state.agent = changed),
      this.agentUpdate(conversation, changed),
      ...models,
    );
  }

  /**
   * Asks about the work so far, at any time. Neither question nor answer becomes part of the conversation;
   * only the statistics tell of it.
   * @throws LlmError, NoAnswerError, BudgetSpentError
   */
  async ask(id: string, question: string): Promise<string> {
    const conversation = await this.open(id);
    return conversation.trackBackground((leaving) => this.askIn(conversation, question, leaving));
  }

  private async askIn(conversation: Conversation, question: string, signal: AbortSignal): Promise<string> {
    assertAffordable(conversation.state);
    const view = await conversation.agentRuntime.prepareView();
    const { acpAgent: foreign } = conversation.agentRuntime;
    if (foreign) {
      const answer = await foreign.ask(question, {
        agentState: conversation.state.agent_state,
        signal,
        append: (...drafts) => conversation.change(() => undefined, ...drafts),
      });
      if (answer.trim() === '') throw new NoAnswerError();
      return conversation.agentRuntime.maskSecrets(answer);
    }
    const { text, config, response } = await this.questions.ask(question, {
      conversationId: conversation.id,
      view,
      llm: conversation.state.agent.llm,
      tools: conversation.agentRuntime.tools(),
      signal,
    });
    conversation.agentRuntime.countUsage(config.usage_id, config.model, response);
    await conversation.change(() => undefined);
    if (text.trim() === '') throw new NoAnswerError();
    return conversation.agentRuntime.maskSecrets(text);
  }

  /**
   * Loads a plugin of a registered marketplace.
   * @throws UnknownPluginError, PluginSourceError
   */
  async loadPlugin(id: string, ref: string): Promise<void> {
    const conversation = await this.registry.acquire(id);
    const plugin = await conversation.agentRuntime.readPlugin(ref);
    const events: EventDraft[] = [];
    await conversation.change(() => events.push(...plugin.apply()));
    await conversation.agentRuntime.commit(events);
    await plugin.start();
  }

  /** The agent of a conversation, for what depends on its kind. */
  async agent(id: string): Promise<AgentSpec> {
    return (await this.registry.acquire(id)).state.agent;
  }

  private async open(id: string): Promise<Conversation> {
    try {
      return await this.registry.acquire(id);
    } catch (error) {
      if (error instanceof ConversationNotFoundError) throw new ConversationNotFoundError(id, 'Conversation');
      throw error;
    }
  }

  /** @param field of the body that `value` is; the body itself if not said */
  private opened(value: JsonObject, ...field: string[]): JsonObject {
    return decryptRequestSecrets(this.services.secrets, value, (path) => ['body', ...field, ...path]);
  }

  private agentUpdate({ state }: Conversation, agent: AgentSpec): EventDraft {
    return stateUpdate('agent', agentInEvents(this.services.secrets.mask({ ...agent }), state.client_tools));
  }

  /** As events show it: secrets masked, nulls left out. */
  private shown(value: JsonObject): unknown {
    return withoutNulls(this.services.secrets.mask(value));
  }
}

/** A key of its own is enough; a connection would bring one, and this server has none. */
function assertReachable({ provider_connection_id: connection, api_key }: LlmConfig): void {
  if (connection === null || api_key !== null) return;
  throw new InvalidRequestError(
    [],
    `LLM config references provider connection '${connection.slice(0, 100)}', which does not exist.`,
  );
}

function isSources(value: unknown): value is Record<string, JsonObject> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((source) => typeof source === 'object' && source !== null)
  );
}
