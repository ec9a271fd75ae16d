import { Injectable, UnauthorizedException } from '@nestjs/common';
import { Authenticator, type Principal } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import {
  ConversationNotFoundError,
  ConversationsService,
  ConversationSummaries,
  conversationIdFor,
  type EventQuery,
  ownerFilter,
  Ownership,
  parseCursor,
  parseWithYield,
  type PendingCall,
  type RequestedConversation,
  RequestsFromSettings,
  Tenancy,
} from '../conversations/index.js';
import { type Content, type DurableEvent, EventBus } from '../events/index.js';
import { asJsonObject, type JsonObject } from '../json/index.js';
import { KeyLimiter, TooManyFollowersError } from '../limits/index.js';
import { AgentProfiles, LlmProfiles, SettingsStore } from '../settings/index.js';
import { ReservedConversations } from '../storage/index.js';
import { DecisionPendingError, InContainerError, NothingPendingError } from './rpc-errors.js';
import { type WaitEnd, waitWhileWorking, type WaitOptions, works } from './run-wait.js';

/** What a caller says about a new conversation; null: as the settings say. */
export interface NewRpcConversation {
  /** The first message; it starts a run. */
  content: Content[];
  /** The name or the id of an agent profile. */
  agentProfile: string | null;
  /** The name of an LLM profile. */
  llmProfile: string | null;
  workingDir: string | null;
  title: string | null;
  tags?: Record<string, string>;
  /** The idempotency key of the first message, for those that are sent to the conversation again. */
  messageKey?: string;
  /** Whether the model is to stream its answers, whatever the settings say. */
  streams?: boolean;
  /** Calls with the same key are executed once, also those of `POST /api/conversations`. */
  key?: string;
  /** Dashed UUID of the new conversation, if the caller chooses it and there is no `key`. */
  id?: string;
}

/** What a conversation does, and what its agent said last. */
export interface RpcStatus {
  /** As in the list of summaries of the REST API. */
  summary: JsonObject;
  /** It goes on by itself. */
  isWorking: boolean;
  /** The final response, or the last message of the agent; empty if there is none. */
  response: string;
  structured: JsonObject | undefined;
  /** The actions that wait for a confirmation, masked. */
  pending: PendingCall[];
}

/** Filter and page of a list. */
export interface RpcListQuery {
  status?: string;
  limit: number;
  /** The `next` of the page before. */
  pageId?: string;
}

/** In the folder of a key that reaches its own conversations only, paths are relative to it. */
const OWN_FOLDER = '.';

/**
 * What other agents may do with conversations: the use cases that the protocols for them (MCP, A2A) share.
 * Each looks only at what the principal may see. A conversation of another server of the cluster is passed on
 * before (`RpcForwarder`). Unknown ids throw `ConversationNotFoundError`.
 */
@Injectable()
export class RpcConversations {
  /** How many calls wait for a conversation. */
  waits = 0;

  constructor(
    private readonly conversations: ConversationsService,
    private readonly summaries: ConversationSummaries,
    private readonly requests: RequestsFromSettings,
    private readonly ownership: Ownership,
    private readonly tenancy: Tenancy,
    private readonly agents: AgentProfiles,
    private readonly llms: LlmProfiles,
    private readonly settings: SettingsStore,
    private readonly bus: EventBus,
    private readonly limiter: KeyLimiter,
    private readonly authenticator: Authenticator,
    private readonly reserved: ReservedConversations,
    private readonly config: AppConfig,
  ) {}

  /** The names of the profiles that a principal may use, and which agent profile is active. */
  async profiles(
    principal: Principal,
  ): Promise<{ agentProfiles: { id: string; name: string; isActive: boolean }[]; llmProfiles: string[] }> {
    const names = await this.llms.names();
    const llmProfiles = names.filter((name) => this.tenancy.mayUseLlm(name, principal));
    if (ownerFilter(principal) !== undefined) return { agentProfiles: [], llmProfiles };
    const { active_agent_profile_id: active } = await this.settings.load();
    const agentProfiles = (await this.agents.all()).map(({ id, name }) => ({
      id,
      name,
      isActive: id === active,
    }));
    return { agentProfiles, llmProfiles };
  }

  /**
   * Starts a conversation and its first run, or returns the one that the key has started before.
   * @throws ForbiddenError, RunLimitError, LimitReachedError, InvalidRequestError, InContainerError, and
   *   errors of profiles
   */
  async start(wanted: NewRpcConversation, principal: Principal): Promise<{ id: string; created: boolean }> {
    if (this.config.conversation_runtime === 'docker') throw new InContainerError();
    const { key, id, title, tags, content, llmProfile, streams = false } = wanted;
    const owner = ownerFilter(principal);
    const agentProfile = wanted.agentProfile === null ? null : await this.agentProfileId(wanted.agentProfile);
    const agent = await this.requests.choose({ agentProfile, llmProfile }, principal);
    const request = await this.requests.make(agent, {
      workspace: {
        working_dir: wanted.workingDir ?? (owner === undefined ? this.config.workspace_path : OWN_FOLDER),
      },
      ...(tags && { tags }),
      autotitle: title === null,
    });
    const conversation_id = key === undefined ? (id ?? null) : conversationIdFor(key, owner);
    const { info, created } = await this.conversations.create(
      {
        ...request,
        ...(streams && { agent: streaming(request.agent) }),
        title,
        conversation_id,
        initial_message: { role: 'user', content },
      },
      false,
      principal,
      key !== undefined,
      { key: wanted.messageKey },
    );
    return { id: String(info['id']), created };
  }

  /**
   * Sends a message, which the agent answers: the active run takes it into account, or a run starts.
   * @throws DecisionPendingError while actions wait for a confirmation: a run would execute them;
   *   InvalidRequestError if the key came with another message before; RunLimitError
   */
  async send(
    id: string,
    content: Content[],
    principal: Principal,
    options: { key?: string } = {},
  ): Promise<void> {
    await this.assertUsable(id, principal);
    await this.assertDecided(id);
    await this.conversations.sendMessage(id, { role: 'user', content }, true, options);
  }

  /**
   * Waits until a conversation does nothing more by itself. Counts as a socket of the key, and ends with it.
   * @throws LimitReachedError, TooManyFollowersError, WaitMovedError; UnauthorizedException when the key ends
   */
  async wait(id: string, principal: Principal, options: WaitOptions): Promise<WaitEnd> {
    await this.assertUsable(id, principal);
    const conversation = await this.conversations.open(id);
    if (!works(conversation)) return 'idle';
    const keyEnd = new AbortController();
    const release = this.beginWait(id, principal, () => keyEnd.abort());
    const signal = AbortSignal.any([options.signal, keyEnd.signal]);
    try {
      const end = await waitWhileWorking(conversation, this.bus, { ...options, signal });
      if (keyEnd.signal.aborted) throw keyEnded();
      if (end === 'idle') await conversation.settled();
      return end;
    } finally {
      release();
    }
  }

  /**
   * Counts somebody who waits for a conversation, as a socket of the key.
   * @param onKeyEnded called when the key is revoked or expires: the wait has to end then (`keyEnded`)
   * @returns what ends the wait; call it once
   * @throws LimitReachedError, TooManyFollowersError
   */
  beginWait(id: string, principal: Principal, onKeyEnded: () => void): () => void {
    if (this.bus.subscriberCount(id) >= this.config.max_socket_subscribers) throw new TooManyFollowersError();
    const release = this.limiter.takeSocket(principal);
    const unwatch = this.authenticator.whenEnded(principal, onKeyEnded);
    this.waits += 1;
    return () => {
      this.waits -= 1;
      unwatch();
      release();
    };
  }

  /** What a conversation does, waits for and has answered. */
  async status(id: string, principal: Principal): Promise<RpcStatus> {
    await this.ownership.assertVisible(id, principal);
    const json = await this.summaries.json(id);
    if (!json) throw new ConversationNotFoundError(id);
    const summary = asJsonObject(JSON.parse(json.toString()));
    const pending = summary['waits_for'] === 'confirmation' ? await this.summaries.pendingCalls(id) : [];
    const { response, structured_output: structured } = await this.conversations.finalResponse(id);
    return { summary, isWorking: await this.isWorking(id, summary), response, structured, pending };
  }

  /** Another server's conversation works as long as it says so. */
  private async isWorking(id: string, { execution_status }: JsonObject): Promise<boolean> {
    if (!this.conversations.isOpen(id)) return execution_status === 'running';
    return works(await this.conversations.open(id));
  }

  /** Short descriptions of conversations, latest update first. */
  async list(
    { status, limit, pageId }: RpcListQuery,
    principal: Principal,
  ): Promise<{ items: JsonObject[]; next: string | null }> {
    const after = pageId === undefined ? undefined : parseCursor(pageId);
    const page = await this.summaries.page({ after, limit, status }, principal);
    const items: unknown = JSON.parse(`[${page.items.toString()}]`);
    return { items: Array.isArray(items) ? items.map(asJsonObject) : [], next: page.nextPageId };
  }

  /**
   * What is made of each event of a page.
   * @param query `pageId`: the `next` of the page before
   */
  async events<T>(
    id: string,
    query: EventQuery,
    principal: Principal,
    map: (event: DurableEvent) => T,
  ): Promise<{ items: T[]; next: string | null }> {
    await this.ownership.assertVisible(id, principal);
    const { items, next } = await this.conversations.mapEvents(id, query, async (line) => {
      const event = await parseWithYield(line);
      return event && map(event);
    });
    // A damaged line is no event.
    return { items: items.filter((item) => item !== undefined), next };
  }

  /**
   * Accepts the actions that wait for a confirmation, which starts a run, or rejects them.
   * @param options a response with a `key` that was used before has no effect, and is no failure
   * @throws NothingPendingError, RunLimitError
   */
  async respond(
    id: string,
    accept: boolean,
    reason: string,
    principal: Principal,
    options: { key?: string } = {},
  ): Promise<void> {
    await this.assertUsable(id, principal);
    const conversation = await this.conversations.open(id);
    const isKnown = options.key !== undefined && conversation.messageOfKey(options.key) !== undefined;
    const { execution_status: status } = conversation.state;
    if (!isKnown && status !== 'waiting_for_confirmation') throw new NothingPendingError(id);
    await this.conversations.respondToConfirmation(id, accept, reason, options);
  }

  /** Pauses after the current step. */
  async pause(id: string, principal: Principal): Promise<void> {
    await this.assertUsable(id, principal);
    await this.conversations.pause(id);
  }

  /** Stops the current step at once. */
  async interrupt(id: string, principal: Principal): Promise<void> {
    await this.assertUsable(id, principal);
    await this.conversations.interrupt(id);
  }

  /** Starts a run without a new message. @throws DecisionPendingError, AlreadyRunningError, RunLimitError */
  async resume(id: string, principal: Principal): Promise<void> {
    await this.assertUsable(id, principal);
    await this.assertDecided(id);
    await this.conversations.run(id);
  }

  /** @throws ConversationNotFoundError, InContainerError */
  private async assertUsable(id: string, principal: Principal): Promise<void> {
    await this.ownership.assertVisible(id, principal);
    if (this.reserved.has(id)) throw new InContainerError(id);
  }

  private async assertDecided(id: string): Promise<void> {
    const { state, isRunning } = await this.conversations.open(id);
    if (state.execution_status === 'waiting_for_confirmation' && !isRunning)
      throw new DecisionPendingError(id);
  }

  /** An id stays as it is: whatever is unknown is reported by whoever loads it. */
  private async agentProfileId(nameOrId: string): Promise<string> {
    const all = await this.agents.all();
    return all.find(({ id, name }) => id === nameOrId || name === nameOrId)?.id ?? nameOrId;
  }
}

/** An agent whose model streams its answers. An ACP agent does so by itself. */
function streaming(agent: RequestedConversation['agent']): RequestedConversation['agent'] {
  return agent.kind === 'Agent' ? { ...agent, llm: { ...agent.llm, stream: true } } : agent;
}

/** What a wait ends with when its key does. */
export function keyEnded(): UnauthorizedException {
  return new UnauthorizedException({ detail: 'Unauthorized' });
}
