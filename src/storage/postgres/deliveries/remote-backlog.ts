import type { RemoteBacklog, RemoteLane } from '../../delivery-store.js';

/** What the statement `REMOTE` answers. */
export interface RemoteRow {
  events: number;
  changes: number;
  conversations: number;
  lane_count: number;
  /** ms since the epoch. */
  since: number | null;
  /** Local time, as in events. */
  event_time: string | null;
  lanes: LaneRow[] | null;
}

interface LaneRow {
  conversation: string;
  kind: 'events' | 'changes';
  pending: number;
  position: number | null;
  since: number | null;
  eventTime: string | null;
}

/** The backlog in a row. */
export function toRemoteBacklog(row: RemoteRow | undefined): RemoteBacklog {
  return {
    events: row?.events ?? 0,
    changes: row?.changes ?? 0,
    conversations: row?.conversations ?? 0,
    oldestAt: oldestOf(row?.since ?? null, row?.event_time ?? null),
    laneCount: row?.lane_count ?? 0,
    lanes: (row?.lanes ?? []).map(toLane),
  };
}

function toLane({ conversation, kind, pending, position, since, eventTime }: LaneRow): RemoteLane {
  return {
    conversationId: conversation,
    kind,
    pending,
    oldestAt: oldestOf(since, eventTime),
    position: position ?? undefined,
  };
}

function oldestOf(since: number | null, eventTime: string | null): number | undefined {
  const times = [since ?? NaN, Date.parse(eventTime ?? '')].filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : Math.min(...times);
}
