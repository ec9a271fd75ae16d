import { randomUUID } from 'node:crypto';
import { toolErrorDraft, TOOL_FAULT } from '../../agent/index.js';
import { createEvent, utcTimestamp, type ActionEvent, type DurableEvent } from '../../events/index.js';
import type { EventLog, LeaseFence, LogReader, LogRecord } from '../../storage/index.js';
import { noAttention } from '../state/attention.js';
import type { ConversationState } from '../state/conversation-state.js';

/** Options of a fork. */
export interface ForkRequest {
  id: string | null;
  title: string | null;
  tags: Record<string, string> | null;
  resetMetrics: boolean;
  /** Copy only the branch from the root to this event; null: copy all events. */
  fromEventId: string | null;
  /** Copies the checkpoints, and puts files back as they were at that event. */
  files?: { force: boolean };
}

/** What the agent of a fork reads about a tool that the source is still executing. */
const RUNS_ELSEWHERE =
  'This tool was still in progress when the conversation was forked. Its result is known only to the conversation that ' +
  'this one was forked from; it may have done its work.';

/** Events copied at once. Only one batch is in memory, and the event loop is free between batches. */
const BATCH = 100;

/** The initial state of a fork. Agent and configuration are copied; run, goal and title are reset. */
export function forkedState(
  source: ConversationState,
  request: ForkRequest,
  head: string | null,
): ConversationState {
  const now = utcTimestamp();
  const whole = request.fromEventId === null;
  const copy = structuredClone(source);
  return {
    ...copy,
    id: request.id ?? randomUUID(),
    // Actions that wait for confirmation in the source also wait in the fork.
    execution_status:
      whole && source.execution_status === 'waiting_for_confirmation' ? source.execution_status : 'idle',
    last_user_message_id: null,
    leaf_event_id: head,
    head_is_empty: head === null && source.head_is_empty,
    stats: request.resetMetrics ? { usage_to_metrics: {} } : copy.stats,
    title: request.title,
    tags: request.tags ?? {},
    created_at: now,
    updated_at: now,
    parent_conversation_id: null,
    forked_from_conversation_id: source.id,
    forked_from_event_id: request.fromEventId,
    attention: noAttention(now),
    goal: null,
    message_keys: [],
  };
}

/**
 * Copies events to a new log.
 * @param adapt converts each line
 */
export async function copyEvents(
  source: LogReader,
  seqs: readonly number[],
  target: { log: EventLog; fence: LeaseFence },
  adapt: (line: string) => string,
): Promise<void> {
  for (let at = 0; at < seqs.length; at += BATCH) {
    const batch = seqs.slice(at, at + BATCH);
    const [first = 0] = batch;
    const [lines, entries] = await Promise.all([
      source.readMany(batch),
      source.entries(first, (batch.at(-1) ?? first) - first + 1),
    ]);
    const records = batch.flatMap((seq, index): LogRecord[] => {
      const entry = entries[seq - first];
      if (!entry) throw new RangeError(`event ${seq} is not in the log`);
      const { id, kind, source: by, timestamp } = entry;
      return [{ id, kind, source: by, timestamp, line: adapt(lines[index] ?? '') }];
    });
    await target.log.append(at, target.fence, records);
  }
}

/**
 * Creates an error for each action that the source is still executing. They follow `head`. Without a result,
 * the first run of the fork would execute these actions again.
 */
export function openActionErrors(open: readonly ActionEvent[], head: string | null): DurableEvent[] {
  let parent = head ?? undefined;
  return open.map((action) => {
    const error = createEvent(toolErrorDraft(action, RUNS_ELSEWHERE, TOOL_FAULT));
    const event: DurableEvent = { ...error, parent_id: parent };
    parent = error.id;
    return event;
  });
}
