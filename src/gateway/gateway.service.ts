import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { BadRequestException, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Principal } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import {
  type Conversation,
  ConversationNotFoundError,
  ConversationsService,
  defaultTools,
  withObservabilityHeaders,
  StartConversationRequestDto,
  Tenancy,
  toStartRequest,
  LaunchProfiles,
  type LaunchedProfile,
  type NewMessage,
  type RunRequest,
  ownerFilter,
  Ownership,
} from '../conversations/index.js';
import { EventBus } from '../events/index.js';
import { withTimeout } from '../flow/index.js';
import { readDto } from '../http/index.js';
import { AgentProfilesService, LlmProfiles } from '../settings/index.js';
import { isJsonObject, type JsonObject } from '../json/index.js';
import { PendingAnswer, type Outcome } from './answers/pending-answer.js';
import { conflict, failureOf, answerTimeout, unknownModel } from './gateway-errors.js';
import type { Question } from './question.js';
import { finishSchema } from './response-format.js';

/** Names of the tool that ends a run, in the tools of an agent. */
const FINISH_CLASS = 'FinishTool';
const FINISH: readonly unknown[] = ['finish', FINISH_CLASS];
const MODEL_PREFIX = 'openhands_';
/** Where agents work for a key that reaches its own conversations only, in the folder of that key. */
const OWN_FOLDER = 'workspace/project';

/** A request that was sent to a conversation. */
export interface Asked {
  pending: PendingAnswer;
  /** Resolves also for failed runs: see `failureOf`. */
  outcome: Promise<Outcome>;
}

/** Conversations as models: each request is a message, and the result of the run is the answer. */
@Injectable()
export class GatewayService implements OnModuleDestroy {
  /** Pending answers by conversation: one at a time. */
  private readonly open = new Map<string, PendingAnswer>();

  constructor(
    private readonly conversations: ConversationsService,
    private readonly launches: LaunchProfiles,
    private readonly agents: AgentProfilesService,
    private readonly llms: LlmProfiles,
    private readonly bus: EventBus,
    private readonly config: AppConfig,
    private readonly tenancy: Tenancy,
    private readonly ownership: Ownership,
  ) {}

  /** Interrupts pending answers at the shutdown; the conversations can be continued later. */
  async onModuleDestroy(): Promise<void> {
    await Promise.allSettled([...this.open.values()].map((pending) => pending.interrupt()));
  }

  /** The names of all models that a principal may use, sorted. */
  async models(principal: Principal): Promise<string[]> {
    const names = await this.llms.names();
    return names.filter((name) => this.tenancy.mayUseLlm(name, principal)).map((name) => MODEL_PREFIX + name);
  }

  /**
   * Sends a request to a conversation, which is created if it does not exist, and starts a run.
   * @param id the conversation; undefined creates a new one
   * @param run what happens if the run reaches a limit
   * @throws HttpException 400, 404, 409; RunLimitError, InvalidRequestError and other errors that prevent a
   *   run
   */
  async ask(
    question: Question,
    id: string | undefined,
    headers: IncomingHttpHeaders,
    principal: Principal,
    run: RunRequest,
  ): Promise<Asked> {
    const profile = await this.profileOf(question.model, principal);
    const conversationId = id ?? randomUUID();
    if (this.open.has(conversationId)) throw busy(conversationId);
    const isStructured = question.schema !== undefined;
    const pending = new PendingAnswer(conversationId, this.bus, isStructured, () => {
      if (this.open.get(conversationId) === pending) this.open.delete(conversationId);
    });
    this.open.set(conversationId, pending);
    try {
      const known = id === undefined ? undefined : await this.find(id);
      const conversation =
        known ?? (await this.create(conversationId, profile, question, { headers, principal, run }));
      if (known) {
        // It may have been created since the guard has looked.
        await this.ownership.assertVisible(conversationId, principal);
        await continueWith(known, question, run);
      }
      return { pending, outcome: pending.follow(conversation, run) };
    } catch (error) {
      pending.close();
      throw error;
    }
  }

  /**
   * The outcome of a successful run, within the configured timeout.
   * @throws HttpException 409, 500 or 504 otherwise
   */
  async whole({ pending, outcome }: Asked): Promise<Outcome> {
    const seconds = this.config.gateway_timeout_seconds;
    const ended = await withTimeout(outcome, (seconds ?? Infinity) * 1000, () => undefined);
    if (!ended) throw answerTimeout(pending.conversationId, seconds ?? 0);
    const failure = failureOf(ended);
    if (failure) throw failure;
    return ended;
  }

  /** @throws HttpException 404; InvalidProfileNameError, ProfileNotFoundError and other errors of profiles */
  private async profileOf(model: string, principal: Principal): Promise<string> {
    const name = model.startsWith(MODEL_PREFIX) ? model.slice(MODEL_PREFIX.length) : '';
    if (name === '' || !this.tenancy.mayUseLlm(name, principal)) throw unknownModel(model);
    return (await this.llms.load(name)).name;
  }

  private async find(id: string): Promise<Conversation | undefined> {
    try {
      return await this.conversations.open(id);
    } catch (error) {
      if (error instanceof ConversationNotFoundError) return undefined;
      throw error;
    }
  }

  private async create(
    id: string,
    llmProfile: string,
    question: Question,
    { headers, principal, run }: { headers: IncomingHttpHeaders; principal: Principal; run: RunRequest },
  ): Promise<Conversation> {
    const { active_agent_profile_id: agent } = await this.agents.list();
    if (agent === null) throw conflict('There is no active agent profile. Activate one first.');
    const isOwn = ownerFilter(principal) !== undefined;
    const loaded = await this.launches.load(agent, llmProfile);
    const prepared = withInstructions(isOwn ? withoutServers(loaded) : loaded, question.instructions);
    const launched = question.schema ? withSchema(prepared, question.schema) : prepared;
    const working_dir = isOwn ? OWN_FOLDER : this.config.workspace_path;
    const dto = readDto(StartConversationRequestDto, {
      workspace: { working_dir },
      conversation_id: id,
      // A title would be another call of the model, counted in the usage.
      autotitle: false,
    });
    const request = toStartRequest(withObservabilityHeaders(dto, headers), launched);
    const { created } = await this.conversations.create(
      { ...request, initial_message: messageOf(question) },
      false,
      principal,
      false,
      run,
    );
    if (!created) throw busy(id);
    return this.conversations.open(id);
  }
}

/** @throws HttpException 409 for a conversation that cannot accept a message now */
async function continueWith(conversation: Conversation, question: Question, run: RunRequest): Promise<void> {
  const { id, state } = conversation;
  const { execution_status: status } = state;
  if (status === 'paused' && (await wasPaused(conversation))) {
    throw conflict(
      `Conversation ${id} is paused: resume it (POST /api/conversations/${id}/run) before the next message.`,
    );
  }
  if (status === 'waiting_for_confirmation') {
    throw conflict(
      `Conversation ${id} is waiting for confirmation: accept or reject its actions ` +
        `(POST /api/conversations/${id}/events/respond_to_confirmation) before the next message.`,
    );
  }
  // A run that continues an interrupted one keeps the status `paused` while it starts.
  const resumes = conversation.isRunning && status === 'paused';
  const isBusy = conversation.isBusy || conversation.starter.isWaiting || conversation.goal.active;
  if (isBusy || resumes) throw busy(id);
  if (question.schema) assertSameSchema(conversation, question.schema);
  await conversation.sendMessage(messageOf(question), true, run);
}

/** Whether a user has paused it. An interrupted run (by a disconnect or a restart) is just continued. */
async function wasPaused({ log, length }: Conversation): Promise<boolean> {
  const last = async (kind: string): Promise<number> => {
    const [seq = -1] = await log.select({ kind }, { from: length - 1, descending: true, length, limit: 1 });
    return seq;
  };
  const [paused, interrupted, failed] = await Promise.all(
    ['PauseEvent', 'InterruptEvent', 'ConversationErrorEvent'].map(last),
  );
  return paused !== undefined && paused > Math.max(interrupted ?? -1, failed ?? -1);
}

function busy(id: string): Error {
  return conflict(`Conversation ${id} is busy: wait for its answer before the next message.`);
}

/**
 * @throws HttpException 409 for a conversation whose agent was given another schema for its answers, or none
 */
function assertSameSchema({ id, state }: Conversation, schema: JsonObject): void {
  const finish = state.agent.tools.find(({ name }) => name === FINISH_CLASS);
  if (isDeepStrictEqual(finish?.params['response_schema'], finishSchema(schema))) return;
  throw conflict(`The schema of the answers of conversation ${id} is another one. Start a new conversation.`);
}

function messageOf({ content }: Question): NewMessage {
  return { role: 'user', content };
}

/** The profile without its MCP servers: their keys are those of the user who runs the server. */
function withoutServers(launched: LaunchedProfile): LaunchedProfile {
  return { ...launched, settings: { ...launched.settings, mcp_config: {} } };
}

/**
 * The profile whose agent finishes with an answer that matches a schema.
 * @throws BadRequestException for an ACP agent, which has tools of its own
 */
function withSchema(launched: LaunchedProfile, schema: JsonObject): LaunchedProfile {
  const { settings } = launched;
  if (settings['agent_kind'] === 'acp')
    throw new BadRequestException({ detail: 'An ACP agent cannot answer in the form of a JSON schema' });
  const { tools } = settings;
  const named: unknown[] = Array.isArray(tools) ? tools : defaultTools();
  const others = named.filter((tool) => !isJsonObject(tool) || !FINISH.includes(tool['name']));
  const finish = { name: FINISH_CLASS, params: { response_schema: finishSchema(schema) } };
  return { ...launched, settings: { ...settings, tools: [...others, finish] } };
}

/** The profile with the system messages of the request and with streaming enabled. */
function withInstructions(launched: LaunchedProfile, instructions: string): LaunchedProfile {
  const { llm, agent_context } = launched.settings;
  const context = isJsonObject(agent_context) ? agent_context : {};
  const { system_message_suffix: suffix } = context;
  const texts = [typeof suffix === 'string' ? suffix : '', instructions].filter((text) => text !== '');
  return {
    ...launched,
    settings: {
      ...launched.settings,
      // An ACP agent has its own model.
      ...(isJsonObject(llm) && { llm: { ...llm, stream: true } }),
      ...(texts.length > 0 && {
        agent_context: { ...context, system_message_suffix: texts.join('\n\n') },
      }),
    },
  };
}
