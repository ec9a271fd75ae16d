import { randomUUID } from 'node:crypto';
import { type ActionEvent, type EventDraft, stateUpdate } from '../../events/index.js';
import type { AgentSession } from '../agent-session.js';
import { environmentMessage, rejectionDraft } from '../event-drafts.js';

/**
 * Runs `PreToolUse` hooks and inserts their events before the actions. A blocked action is appended as well,
 * and rejected when it is its turn.
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
    session.report('hook', 'PreToolUse');
    const outcome = await session.hooks.run(call, session.signal);
    all.push(...outcome.events);
    if (outcome.blocked !== undefined) {
      blocked = { ...blocked, [actionId]: outcome.blocked };
      all.push(stateUpdate('blocked_actions', blocked));
    }
    all.push({ ...draft, id: actionId });
  }
  return all;
}

/** The events that reject an action blocked by a hook; undefined for other actions. */
export function blockedActionDrafts(session: AgentSession, action: ActionEvent): EventDraft[] | undefined {
  const { [action.id]: reason, ...others } = session.blockedActions;
  if (reason === undefined) return undefined;
  return [stateUpdate('blocked_actions', others), rejectionDraft(action, reason, 'hook')];
}

/** Runs `PostToolUse` hooks for the result of an action, with secrets masked. Errors are not results. */
export async function runPostToolUseHooks(
  session: AgentSession,
  action: ActionEvent,
  result: EventDraft,
): Promise<EventDraft[]> {
  if (result.kind !== 'ObservationEvent' || !session.hooks.has('PostToolUse')) return [];
  const shown = session.maskDraft(result);
  session.report('hook', 'PostToolUse');
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

/** If a hook blocked the user's last message, finishes the run. Returns whether it did. */
export async function finishIfMessageBlocked(session: AgentSession): Promise<boolean> {
  const { [session.lastUserMessageId ?? '']: reason, ...others } = session.blockedMessages;
  if (reason === undefined) return false;
  await session.append(stateUpdate('blocked_messages', others));
  await session.finish();
  return true;
}

/**
 * Runs `Stop` hooks. If one blocks, its reason is sent to the agent and the run continues; returns whether it
 * does.
 */
export async function runStopHooks(session: AgentSession): Promise<boolean> {
  if (!session.hooks.has('Stop')) return false;
  session.report('hook', 'Stop');
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
