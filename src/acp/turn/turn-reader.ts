import type { PromptResponse } from '@agentclientprotocol/sdk';
import type { AgentSession } from '../../agent/index.js';
import { createEvent, type EventDraft } from '../../events/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { toTimeoutMs, type AcpConnector, type AcpHost } from '../acp-connector.js';
import { AcpError } from '../acp-error.js';
import { checkPermission } from './permission.js';
import type { PermissionItem, Turn } from './turn.js';

/** Time for an agent to stop after a cancellation (ms). */
const CANCEL_TIMEOUT_MS = 2_500;

/** Appends the events of a turn and decides about the agent's permission requests. */
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
   * Resolves with the agent's answer; undefined if a person has to decide first.
   * @throws AcpError
   */
  async follow(session: AgentSession, turn: Turn): Promise<PromptResponse | undefined> {
    await this.applyDecision(session, turn);
    for (;;) {
      const limit = turn.cancelled ? CANCEL_TIMEOUT_MS : toTimeoutMs(this.host.agent.acp_prompt_timeout);
      const item = await turn.next(limit, session.signal);
      if (!item) {
        if (turn.cancelled) return this.endCancelledTurn();
        if (this.connector.current?.isHandlingRequest !== true) throw await this.stalledError();
        continue;
      }
      if (item.type === 'failed') throw item.error;
      if (item.type === 'end') return item.response;
      if (item.type === 'update') await this.handleUpdate(session, turn, item.update);
      else if (await this.needsDecision(session, turn, item)) return undefined;
    }
  }

  /** Sends the agent the decision that was made between runs. */
  private async applyDecision(session: AgentSession, turn: Turn): Promise<void> {
    const { pending } = turn;
    const { decision } = this;
    this.decision = undefined;
    turn.pending = undefined;
    if (!pending) return;
    if (decision?.accept === false) {
      await session.append(rejectionDraft(turn, pending, decision.reason));
      pending.answer('reject');
    } else if (decision || session.lastUserMessageId === turn.lastMessageWhenAsked) {
      pending.answer('allow');
    } else {
      // The user sent another message instead: cancel the turn.
      turn.cancelled = true;
      await session.append(rejectionDraft(turn, pending, 'Superseded by a new user message'));
      await this.connector.current?.cancel();
      pending.answer(undefined);
    }
  }

  private async handleUpdate(session: AgentSession, turn: Turn, update: JsonObject): Promise<void> {
    switch (update['sessionUpdate']) {
      case 'agent_message_chunk':
        return turn.appendText(textOf(update['content']));
      case 'agent_thought_chunk':
        return turn.appendThought(textOf(update['content']));
      case 'tool_call':
      case 'tool_call_update': {
        const drafts = turn.calls.update(update);
        for (const draft of drafts) reportCall(session, draft);
        if (drafts.length > 0) await session.append(...drafts);
        return;
      }
      case 'usage_update':
        return applyUsage(turn, update);
      default:
        // The API has no events for plans, commands and modes.
        return;
    }
  }

  /** Answers a permission request that needs no approval. Otherwise appends the request and returns true. */
  private async needsDecision(session: AgentSession, turn: Turn, item: PermissionItem): Promise<boolean> {
    if (session.confirmationPolicy.kind === 'NeverConfirm') {
      item.answer('allow');
      return false;
    }
    const call = createEvent(turn.calls.requestApproval(asJsonObject(item.request.toolCall)));
    if (call.kind !== 'ACPToolCallEvent') return false;
    const { needsApproval, events } = await checkPermission(session, call);
    await session.append(call, ...events);
    if (!needsApproval) {
      item.answer('allow');
      return false;
    }
    turn.pending = item;
    turn.lastMessageWhenAsked = session.lastUserMessageId;
    turn.pendingCallEventId = call.id;
    await session.setStatus('waiting_for_confirmation');
    return true;
  }

  private async stalledError(): Promise<AcpError> {
    await this.connector.current?.close();
    const seconds = Math.round(this.host.agent.acp_prompt_timeout);
    return new AcpError(
      'ACPPromptError',
      `ACP prompt timed out after ${seconds}s with no activity from the agent. The agent may have stalled, or it may ` +
        'have completed its work but the response was not received.',
    );
  }

  /** Kills an agent that does not stop after a cancellation. */
  private async endCancelledTurn(): Promise<PromptResponse> {
    await this.connector.current?.close();
    return { stopReason: 'cancelled' };
  }
}

/** A call that has not ended is what the agent works at. */
function reportCall(session: AgentSession, unmasked: EventDraft): void {
  const draft = session.maskDraft(unmasked);
  if (draft.kind !== 'ACPToolCallEvent') return;
  const hasEnded = draft.status === 'completed' || draft.status === 'failed';
  if (hasEnded) session.report('model');
  else session.report('tool', draft.title);
}

function textOf(content: unknown): string {
  const { type, text, uri } = asJsonObject(content);
  if (type === 'text') return typeof text === 'string' ? text : '';
  return typeof uri === 'string' ? uri : '';
}

function applyUsage(turn: Turn, { size, cost }: JsonObject): void {
  if (typeof size === 'number') turn.contextWindow = size;
  const { amount, currency } = asJsonObject(cost);
  if (typeof amount === 'number' && currency === 'USD') turn.sessionCost = amount;
}

function rejectionDraft(
  { pendingCallEventId }: Turn,
  { request: { toolCall } }: PermissionItem,
  reason: string,
): EventDraft {
  return {
    source: 'environment',
    tool_name: toolCall.title ?? toolCall.kind ?? 'tool',
    tool_call_id: toolCall.toolCallId,
    rejection_reason: reason,
    rejection_source: 'user',
    action_id: pendingCallEventId,
    kind: 'UserRejectObservation',
  };
}
