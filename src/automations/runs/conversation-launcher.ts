import { Injectable } from '@nestjs/common';
import { NamedKeys, type Principal, SESSION } from '../../auth/index.js';
import { classifyError } from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import {
  type Conversation,
  ConversationNotFoundError,
  ConversationsService,
  ForbiddenError,
  QueueFullError,
  RunLimitError,
} from '../../conversations/index.js';
import { DomainError, errorMessage } from '../../errors/index.js';
import { textContent } from '../../events/index.js';
import { Catalogue, LeaseHeldError, LeaseStore, TakeoverPendingError } from '../../storage/index.js';
import { containersUnsupported } from '../automation-errors.js';
import type { Automation } from '../definitions/automation.js';
import { type AutomationRun, conversationIdOf, type FailureKind } from './automation-run.js';
import { ConversationRequests } from './conversation-requests.js';
import {
  type FoundRun,
  HeldElsewhereError,
  type LaunchedRun,
  LaunchError,
  type LaunchNote,
  NoRoomError,
  RunLauncher,
} from './run-launcher.js';
import { cancelled, completed, failure, type RunOutcome } from './run-outcome.js';
import { promptOf, turnOf } from './run-prompt.js';

const KINDS: Readonly<Record<string, FailureKind>> = {
  auth: 'auth',
  quota: 'quota',
  config: 'config',
  rate_limit: 'rate_limited',
  transient: 'transport',
};
/** Codes of errors that a limit of the run itself leads to, not one of the person's account. */
const OWN_LIMITS: readonly string[] = ['MaxBudgetReached', 'MaxIterationsReached'];
const RESTARTED = 'Interrupted by a restart of the server';
const PAUSED = 'Somebody paused the conversation before the agent had finished';
const DELETED = 'Somebody deleted the conversation before the agent had finished';

/** Starts runs as conversations of this server. */
@Injectable()
export class ConversationLauncher extends RunLauncher {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly requests: ConversationRequests,
    private readonly catalogue: Catalogue,
    private readonly leases: LeaseStore,
    private readonly keys: NamedKeys,
    private readonly config: AppConfig,
  ) {
    super();
  }

  async launch(
    automation: Automation,
    run: AutomationRun,
    note: (launch: LaunchNote) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LaunchedRun> {
    if (this.config.conversation_runtime === 'docker') throw inContainers();
    const id = conversationIdOf(run);
    const principal = await this.principalOf(automation);
    try {
      if (!(await this.conversations.exists(id))) {
        const request = await this.requests.make(automation, run, principal, signal);
        signal.throwIfAborted();
        await this.conversations.create({ ...request, conversation_id: id }, false, principal);
      }
      const conversation = await this.conversations.open(id);
      // A crash may have left a conversation without a message.
      const isFirst = (conversation.state.message_keys ?? []).length === 0;
      const message = run.message ?? (isFirst ? promptOf(automation, run) : turnOf(automation, run));
      const wakes = run.wakes ?? (isFirst || wakesAgent(automation));
      const costBefore = run.cost_before ?? costOf(conversation);
      if (run.message === null) await note({ message, wakes, costBefore });
      // A message with this key is stored once, whoever sends it again after a crash.
      const options = { key: `automation-run-${run.id}`, onLimit: 'wait' } as const;
      await conversation.sendMessage({ role: 'user', content: [textContent(message)] }, wakes, options);
      await conversation.publishChange();
      return wakes ? this.follow(conversation, costBefore) : delivered(conversation);
    } catch (error) {
      if (error instanceof LaunchError) throw error;
      if (hasNoRoom(error)) throw new NoRoomError(errorMessage(error));
      if (isHeldElsewhere(error)) throw new HeldElsewhereError(errorMessage(error));
      throw new LaunchError(errorMessage(error), failure(kindOf(error), reasonOf(error)));
    }
  }

  async isForThisServer(run: AutomationRun): Promise<boolean> {
    // All others have a conversation of their own.
    if (run.subject_key === null) return true;
    const owner = await this.leases.ownerOf(conversationIdOf(run));
    return !owner || owner.isSelf;
  }

  async find(_automation: Automation, run: AutomationRun): Promise<FoundRun> {
    const id = conversationIdOf(run);
    // A conversation of several runs tells nothing about one of them.
    const entry = run.subject_key === null ? await this.catalogue.entry(id) : undefined;
    if (!entry || entry.execution_status === 'idle') return { state: 'missing' };
    let conversation: Conversation;
    try {
      conversation = await this.conversations.open(id);
    } catch (error) {
      if (error instanceof ConversationNotFoundError) return { state: 'missing' };
      if (isHeldElsewhere(error)) return { state: 'working' };
      throw error;
    }
    const before = run.cost_before ?? 0;
    if (conversation.isWorking) return { state: 'here', launched: this.follow(conversation, before) };
    // Before the recovery of what a crash has left.
    if (conversation.state.execution_status === 'running') return { state: 'working' };
    if (conversation.state.execution_status === 'paused' && this.config.resume_on_start) {
      try {
        await conversation.startRun({ onLimit: 'wait' });
      } catch (error) {
        throw hasNoRoom(error) ? new NoRoomError(errorMessage(error)) : error;
      }
      return { state: 'here', launched: this.follow(conversation, before) };
    }
    const outcome = await this.outcome(conversation, before);
    return {
      state: 'ended',
      outcome: outcome ?? failure('transport', RESTARTED, costSince(conversation, before)),
    };
  }

  private follow(conversation: Conversation, costBefore: number): LaunchedRun {
    const ended = async (): Promise<RunOutcome | 'moved'> => {
      await conversation.runsEnded();
      const cost = costSince(conversation, costBefore);
      try {
        conversation.assertOpen();
      } catch (error) {
        if (error instanceof ConversationNotFoundError) return cancelled(DELETED, cost);
        return 'moved';
      }
      await conversation.settled();
      return (await this.outcome(conversation, costBefore)) ?? cancelled(PAUSED, cost);
    };
    return {
      conversationId: conversation.id,
      isWaiting: conversation.starter.isWaiting,
      begun: conversation.starter.left(),
      ended: ended().catch((error: unknown) => failure('unknown', errorMessage(error))),
      interrupt: async () => {
        await conversation.interrupt();
        await conversation.publishChange();
      },
    };
  }

  /** What the run has come to; undefined if it was paused. */
  private async outcome(conversation: Conversation, costBefore: number): Promise<RunOutcome | undefined> {
    const { state } = conversation;
    const cost = costSince(conversation, costBefore);
    switch (state.execution_status) {
      case 'finished': {
        const { response } = await this.conversations.finalResponse(conversation.id);
        return completed(cost, response === '' ? null : response);
      }
      case 'waiting_for_confirmation':
        await conversation.interrupt();
        return failure(
          'blocked',
          'The agent asked for a confirmation, which nobody gives in an automation. Switch the confirmation mode off, or ' +
            'let the automation do less.',
          cost,
        );
      case 'stuck':
        return failure('execution_error', 'The agent repeated itself and was stopped', cost);
      case 'error': {
        const word = state.attention?.word;
        if (word?.kind !== 'error')
          return failure('execution_error', 'The run of the agent has failed', cost);
        return failure(kindOfCode(word.code ?? '', word.text), word.text, cost);
      }
      default:
        return undefined;
    }
  }

  private async principalOf({ owner_key: owner }: Automation): Promise<Principal> {
    if (owner === null) return SESSION;
    const principal = await this.keys.find(owner);
    if (principal) return principal;
    const reason = 'The key that the automation works for was revoked or has expired';
    throw new LaunchError(reason, failure('auth', reason));
  }
}

/** What an agent does here would not be confined as its person wants it. */
function inContainers(): LaunchError {
  const { message } = containersUnsupported();
  return new LaunchError(message, failure('config', message));
}

/** A run that was only to add its message to a conversation. */
function delivered({ id }: Conversation): LaunchedRun {
  const nothing = Promise.resolve();
  const ended = Promise.resolve(completed(0, null));
  return { conversationId: id, isWaiting: false, begun: nothing, ended, interrupt: () => nothing };
}

/** Whether the agent answers what is added to its conversation. */
function wakesAgent({ trigger }: Automation): boolean {
  return trigger.type !== 'event' || trigger.wake_agent !== false;
}

function hasNoRoom(error: unknown): boolean {
  return error instanceof RunLimitError || error instanceof QueueFullError;
}

function isHeldElsewhere(error: unknown): boolean {
  return error instanceof LeaseHeldError || error instanceof TakeoverPendingError;
}

function costSince(conversation: Conversation, before: number): number {
  return Math.max(0, costOf(conversation) - before);
}

function costOf({ state }: Conversation): number {
  const all = Object.values(state.stats.usage_to_metrics);
  return all.reduce((sum, { accumulated_cost: cost }) => sum + cost, 0);
}

function kindOfCode(code: string, text: string): FailureKind {
  if (OWN_LIMITS.includes(code)) return 'execution_error';
  return KINDS[classifyError(code, text).kind] ?? 'execution_error';
}

/** What a start has failed for: what the automation asks for is wrong until a person changes something. */
function kindOf(error: unknown): FailureKind {
  if (error instanceof ForbiddenError) return 'auth';
  if (!(error instanceof DomainError)) return 'unknown';
  return ['not-found', 'invalid', 'conflict', 'rejected', 'unsupported'].includes(error.kind)
    ? 'config'
    : 'environment_unavailable';
}

function reasonOf(error: unknown): string {
  return `The run could not be started: ${errorMessage(error)}`;
}
