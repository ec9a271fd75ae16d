import { failedAcpCallDrafts, isBranchEvent } from '../../../agent/index.js';
import { createEvent, type DurableEvent } from '../../../events/index.js';
import type { EventLog, LeaseFence } from '../../../storage/index.js';
import { toRecord } from '../../journal/log-writer.js';
import { readView } from '../../journal/view-cache.js';
import { interruptedRunDrafts } from '../../runs/interrupted-run.js';
import { foldEvent, type ConversationState } from '../../state/conversation-state.js';

/**
 * Records that the server of a conversation died while it ran, as a restart here does, but never goes on with
 * it: a person decides.
 */
export async function recordInterruption(
  state: ConversationState,
  log: EventLog,
  fence: LeaseFence,
): Promise<number> {
  const view = await readView(log, log.length, state.leaf_event_id);
  const drafts = [
    ...failedAcpCallDrafts(view.pendingAcpCalls()),
    ...interruptedRunDrafts({ by: 'restart', resumes: false }, view.pendingActions()),
  ];
  let [head, timestamp] = [state.leaf_event_id ?? undefined, log.lastTimestamp];
  const events = drafts.map((draft): DurableEvent => {
    const event: DurableEvent = { ...createEvent(draft, timestamp), parent_id: head };
    ({ timestamp } = event);
    if (isBranchEvent(event)) head = event.id;
    return event;
  });
  await log.append(log.length, fence, events.map(toRecord));
  for (const event of events) foldEvent(state, event);
  return events.length;
}
