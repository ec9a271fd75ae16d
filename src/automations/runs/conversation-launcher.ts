import { Injectable } from '@nestjs/common';
import { NamedKeys, type Principal, SESSION } from '../../auth/index.js';
import { classifyError } from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import {
  type Conversation,
  ConversationNotFoundError,
  ConversationsService,
  ForbiddenError,
  RunLimitError,
} from '../../conversations/index.js';
import { DomainError, errorMessage } from '../../errors/index.js';
import { textContent } from '../../events/index.js';
import { Catalogue, LeaseHeldError, TakeoverPendingError } from '../../storage/index.js';
import type { Automation } from '../definitions/automation.js';
import { type AutomationRun, conversationIdOf, type FailureKind } from './automation-run.js';
import { ConversationRequests } from './conversation-requests.js';
import {
  type FoundRun,
  HeldElsewhereError,
  type LaunchedRun,
  LaunchError,
  NoRoomError,
  RunLauncher,
} from './run-launcher.js';
import { failure, type RunOutcome } from './run-outcome.js';
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

/** Starts runs as conversations of this server. */
@Injectable()
export class ConversationLauncher extends RunLauncher {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly requests: ConversationRequests,
    private readonly catalogue: Catalogue,
    private readonly keys: NamedKeys,
    private readonly config: AppConfig,
  ) {
    super();
  }

  async launch(automation: Automation, run: AutomationRun, signal: AbortSignal): Promise<LaunchedRun> {
    if (this.config.conversation_runtime === 'docker') throw inContainers();
    const id = conversationIdOf(run);
    const principal = await this.principalOf(automation);
    try {
      const isNew = !(await this.conversations.exists(id));
      if (isNew) {
        const request = await this.requests.make(automation, run, principal, signal);
        signal.throwIfAborted();
        await this.conversations.create({ ...request, conversation_id: id }, false, principal);
      }
      const conversation = await this.conversations.open(id);
      const text = isNew ? promptOf(automation, run) : turnOf(automation, run);
      // A message with this key is stored once, whoever sends it again after a crash.
      await conversation.sendMessage({ role: 'user', content: [textContent(text)] }, true, {
        key: `automation-run-${run.id}`,
      });
      await conversation.publishChange();
      return this.follow(conversation);
    } catch (error) {
      if (error instanceof LaunchError) throw error;
      if (error instanceof RunLimitError) throw new NoRoomError(error.message);
      if (isHeldElsewhere(error)) throw new HeldElsewhereError(errorMessage(error));
      throw new LaunchError(errorMessage(error), failure(kindOf(error), reasonOf(error)));
    }
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
    if (conversation.isWorking) return { state: 'here', launched: this.follow(conversation) };
    // Before the recovery of what a crash has left.
    if (conversation.state.execution_status === 'running') return { state: 'working' };
    if (conversation.state.execution_status === 'paused' && this.config.resume_on_start) {
      try {
        await conversation.startRun();
      } catch (error) {
        throw error instanceof RunLimitError ? new NoRoomError(error.message) : error;
      }
      return { state: 'here', launched: this.follow(conversation) };
    }
    return { state: 'ended', outcome: await this.outcome(conversation, RESTARTED) };
  }

  private follow(conversation: Conversation): LaunchedRun {
    const ended = async (): Promise<RunOutcome> => {
      await conversation.runsEnded();
      await conversation.settled();
      return this.outcome(conversation, 'The conversation was paused before the agent had finished');
    };
    return {
      conversationId: conversation.id,
      ended: ended().catch((error: unknown) => failure('unknown', errorMessage(error))),
      interrupt: async () => {
        await conversation.interrupt();
        await conversation.publishChange();
      },
    };
  }

  private async outcome(conversation: Conversation, paused: string): Promise<RunOutcome> {
    const { state } = conversation;
    const cost = costOf(conversation);
    switch (state.execution_status) {
      case 'finished': {
        const { response } = await this.conversations.finalResponse(conversation.id);
        return {
          status: 'COMPLETED',
          error: null,
          kind: null,
          cost,
          response: response === '' ? null : response,
        };
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
        return failure('transport', paused, cost);
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
  const reason =
    'Runs of automations are conversations outside of containers, which this server does not start';
  return new LaunchError(reason, failure('config', reason));
}

function isHeldElsewhere(error: unknown): boolean {
  return error instanceof LeaseHeldError || error instanceof TakeoverPendingError;
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
