import type { PromptResponse } from '@agentclientprotocol/sdk';
import type { AgentSession } from '../agent/agent-session.js';
import { createEvent, type EventDraft } from '../events/index.js';
import { asJsonObject } from '../json/index.js';
import { milliseconds, type AcpConnector, type AcpHost } from './acp-connector.js';
import { AcpError } from './acp-error.js';
import { judge } from './permission.js';
import type { PermissionItem, Turn } from './turn.js';

/** How long an agent may take to stop when it is told to (ms). */
const CANCEL_LIMIT_MS = 2_500;

/** Puts what an agent does in a turn into the log, and decides what it may do. */
export class TurnReader {
  private decision: { accept: boolean; reason: string } | undefined;

  constructor(
    private readonly host: AcpHost,
    private readonly connector: AcpConnector,
  ) {}

  decide(accept: boolean, reason: string): void {
    this.decision = { accept, reason };
  }

  /**
   * Resolves with what the agent answers in the end; undefined: a person has to decide first.
   * @throws AcpError
   */
  async follow(session: AgentSession, turn: Turn): Promise<PromptResponse | undefined> {
    await this.settle(session, turn);
    for (;;) {
      const limit = turn.cancelled ? CANCEL_LIMIT_MS : milliseconds(this.host.agent.acp_prompt_timeout);
      const item = await turn.next(limit, session.signal);
      if (!item) {
        if (turn.cancelled) return this.giveUp();
        if (this.connector.current?.isServing !== true) throw await this.stalled();
        continue;
      }
      if (item.type === 'failed') throw item.error;
      if (item.type === 'end') return item.response;
      if (item.type === 'update') await this.news(session, turn, item.update);
      else if (await this.mustWait(session, turn, item)) return undefined;
    }
  }

  /** Tells the agent what was decided while there was no run. */
  private async settle(session: AgentSession, turn: Turn): Promise<void> {
    const { pending } = turn;
    const { decision } = this;
    this.decision = undefined;
    turn.pending = undefined;
    if (!pending) return;
    if (decision?.accept === false) {
      await session.append(rejection(turn, pending, decision.reason));
      pending.answer('reject');
    } else if (decision || session.lastUserMessageId === turn.askedAt) {
      pending.answer('allow');
    } else {
      // The user said something else instead: this turn is not wanted any more.
      turn.cancelled = true;
      await session.append(rejection(turn, pending, 'Superseded by a new user message'));
      await this.connector.current?.cancel();
      pending.answer(undefined);
    }
  }

  private async news(session: AgentSession, turn: Turn, update: Record<string, unknown>): Promise<void> {
    switch (update['sessionUpdate']) {
      case 'agent_message_chunk':
        return turn.say(textOf(update['content']));
      case 'agent_thought_chunk':
        return turn.think(textOf(update['content']));
      case 'tool_call':
      case 'tool_call_update': {
        const drafts = turn.calls.take(update);
        if (drafts.length > 0) await session.append(...drafts);
        return;
      }
      case 'usage_update':
        return takeUsage(turn, update);
      default:
        // Plans, commands and modes have no place on the wire.
        return;
    }
  }

  /** Answers a request that nobody has to be asked about; else says in the log what is asked. */
  private async mustWait(session: AgentSession, turn: Turn, item: PermissionItem): Promise<boolean> {
    if (session.confirmationPolicy.kind === 'NeverConfirm') {
      item.answer('allow');
      return false;
    }
    const call = createEvent(turn.calls.asked(asJsonObject(item.request.toolCall)));
    if (call.kind !== 'ACPToolCallEvent') return false;
    const { mustAsk, events } = await judge(session, call);
    await session.append(call, ...events);
    if (!mustAsk) {
      item.answer('allow');
      return false;
    }
    turn.pending = item;
    turn.askedAt = session.lastUserMessageId;
    turn.askedCall = call.id;
    await session.setStatus('waiting_for_confirmation');
    return true;
  }

  private async stalled(): Promise<AcpError> {
    await this.connector.current?.close();
    const seconds = Math.round(this.host.agent.acp_prompt_timeout);
    return new AcpError(
      'ACPPromptError',
      `ACP prompt timed out after ${seconds}s with no activity from the agent. The agent may have stalled, or it may ` +
        'have completed its work but the response was not received.',
    );
  }

  /** It was told to stop and does not. */
  private async giveUp(): Promise<PromptResponse> {
    await this.connector.current?.close();
    return { stopReason: 'cancelled' };
  }
}

function textOf(content: unknown): string {
  const { type, text, uri } = asJsonObject(content);
  if (type === 'text') return typeof text === 'string' ? text : '';
  return typeof uri === 'string' ? uri : '';
}

function takeUsage(turn: Turn, { size, cost }: Record<string, unknown>): void {
  if (typeof size === 'number') turn.contextWindow = size;
  const { amount, currency } = asJsonObject(cost);
  if (typeof amount === 'number' && currency === 'USD') turn.sessionCost = amount;
}

function rejection(
  { askedCall }: Turn,
  { request: { toolCall } }: PermissionItem,
  reason: string,
): EventDraft {
  return {
    source: 'environment',
    tool_name: toolCall.title ?? toolCall.kind ?? 'tool',
    tool_call_id: toolCall.toolCallId,
    rejection_reason: reason,
    rejection_source: 'user',
    action_id: askedCall,
    kind: 'UserRejectObservation',
  };
}
