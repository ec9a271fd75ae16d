import { randomUUID } from 'node:crypto';
import { plainText, type ActionEvent, type EventDraft } from '../../events/index.js';
import type { AgentSession } from '../agent-session.js';
import { environmentMessage, rejectionDraft } from '../event-drafts.js';

/**
 * Puts what the hooks say in front of the actions of one answer. A blocked one is in the log all the same,
 * and is refused when it is its turn.
 */
export async function runPreToolUseHooks(
  session: AgentSession,
  drafts: readonly EventDraft[],
): Promise<EventDraft[]> {
  if (!session.hooks.has('PreToolUse')) return [...drafts];
  let blocked = session.blockedActions;
  const all: EventDraft[] = [];
  for (const draft of drafts) {
    if (draft.kind !== 'ActionEvent' || !draft.action) {
      all.push(draft);
      continue;
    }
    const actionId = draft.id ?? randomUUID();
    const call = {
      type: 'PreToolUse',
      toolName: draft.tool_name,
      toolInput: draft.action,
      actionId,
    } as const;
    const outcome = await session.hooks.run(call, session.signal);
    all.push(...outcome.events);
    if (outcome.blocked !== undefined) {
      blocked = { ...blocked, [actionId]: outcome.blocked };
      all.push(stateDraft('blocked_actions', blocked));
    }
    all.push({ ...draft, id: actionId });
  }
  return all;
}

/** What stands in the log for an action that a hook blocked; undefined: none did. */
export function blockedActionDrafts(session: AgentSession, action: ActionEvent): EventDraft[] | undefined {
  const { [action.id]: reason, ...others } = session.blockedActions;
  if (reason === undefined) return undefined;
  return [stateDraft('blocked_actions', others), rejectionDraft(action, reason, 'hook')];
}

/** What the hooks say to the result of an action; they see it without secrets. An error is no result. */
export async function runPostToolUseHooks(
  session: AgentSession,
  action: ActionEvent,
  result: EventDraft,
): Promise<EventDraft[]> {
  if (result.kind !== 'ObservationEvent' || !session.hooks.has('PostToolUse')) return [];
  const shown = session.maskDraft(result);
  const { events } = await session.hooks.run(
    {
      type: 'PostToolUse',
      toolName: action.tool_name,
      toolInput: action.action,
      toolResponse: shown.kind === 'ObservationEvent' ? shown.observation : undefined,
      actionId: action.id,
    },
    session.signal,
  );
  return events;
}

/** Whether a hook blocked the last message of the user: then there is nothing to do. */
export async function finishIfMessageBlocked(session: AgentSession): Promise<boolean> {
  const { [session.lastUserMessageId ?? '']: reason, ...others } = session.blockedMessages;
  if (reason === undefined) return false;
  await session.append(stateDraft('blocked_messages', others));
  await session.finish();
  return true;
}

/** Whether a hook wants the agent, which says that it has finished, to go on; it is told why. */
export async function runStopHooks(session: AgentSession): Promise<boolean> {
  if (!session.hooks.has('Stop')) return false;
  const { events, blocked } = await session.hooks.run(
    { type: 'Stop', reason: 'agent_finished' },
    session.signal,
  );
  if (blocked === undefined) {
    await session.append(...events);
    return false;
  }
  await session.append(...events, environmentMessage(`[Stop hook feedback] ${blocked}`));
  await session.setStatus('running');
  return true;
}

/** The text that a hook is told of a message. */
export function messageText(message: { content: Parameters<typeof plainText>[0] }): string {
  return plainText(message.content);
}

function stateDraft(key: string, value: unknown): EventDraft {
  return { source: 'environment', key, value, kind: 'ConversationStateUpdateEvent' };
}
