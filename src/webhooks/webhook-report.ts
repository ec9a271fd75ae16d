import type { RemoteBacklog, RemoteLane } from '../storage/index.js';
import type { LaneReport } from './delivery/channel.js';
import type { DeliveryFailure } from './delivery/delivery-status.js';
import { EventLane } from './delivery/event-lane.js';
import type { FailedRequest, LaneStatus, WebhookStatus } from './webhook-status.js';

/** Adds what other servers have pending. */
export function withRemote(local: WebhookStatus, remote: RemoteBacklog): WebhookStatus {
  const oldest = [local.oldest_pending_at, remote.oldestAt === undefined ? null : toUtc(remote.oldestAt)];
  return {
    ...local,
    pending_events: local.pending_events + remote.events,
    pending_changes: local.pending_changes + remote.changes,
    pending_conversations: local.pending_conversations + remote.conversations,
    oldest_pending_at: oldest.filter((time) => time !== null).sort()[0] ?? null,
  };
}

/** A lane of another server. */
export function describeRemoteLane(lane: RemoteLane): LaneStatus {
  return {
    conversation_id: lane.conversationId,
    kind: lane.kind,
    state: 'elsewhere',
    pending: lane.pending,
    oldest_pending_at: lane.oldestAt === undefined ? null : toUtc(lane.oldestAt),
    delivered_events: lane.position ?? null,
    failed_attempts: 0,
    next_attempt_at: null,
    last_error: null,
  };
}

/** A lane of this server. */
export function describeLane(kind: LaneStatus['kind'], report: LaneReport): LaneStatus {
  const { lane, isSending, failures, nextAt, lastFailure } = report;
  return {
    conversation_id: lane.conversationId,
    kind,
    state: isSending ? 'sending' : failures > 0 ? 'retrying' : 'waiting',
    pending: lane.waiting,
    oldest_pending_at: lane.oldestAt === undefined ? null : toUtc(lane.oldestAt),
    delivered_events: lane instanceof EventLane ? (lane.position ?? null) : null,
    failed_attempts: failures,
    next_attempt_at: isSending ? null : timeOf(nextAt),
    last_error: lastFailure ? describeFailure(lastFailure) : null,
  };
}

export function describeFailure(failure: DeliveryFailure): FailedRequest {
  const { reason, status, conversationId, attempt, dropped } = failure;
  return {
    at: failure.at.toISOString(),
    reason,
    status: status ?? null,
    conversation_id: conversationId,
    attempt,
    dropped,
  };
}

/** Those that fail first, then those that wait longest. */
export function byUrgency(a: LaneStatus, b: LaneStatus): number {
  if (a.failed_attempts !== b.failed_attempts) return b.failed_attempts - a.failed_attempts;
  return (a.oldest_pending_at ?? '').localeCompare(b.oldest_pending_at ?? '');
}

/** @param time ms since the epoch */
export function toUtc(time: number): string {
  return new Date(time).toISOString();
}

/** @param moment as of `performance.now()`; the past counts as now */
export function timeOf(moment: number): string {
  return toUtc(Math.max(Date.now(), Date.now() + moment - performance.now()));
}
