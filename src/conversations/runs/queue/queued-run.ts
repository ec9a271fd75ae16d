import { isJsonObject, type JsonObject } from '../../../json/index.js';

/** Priorities of runs that wait: from the least to the most urgent. */
export const MIN_PRIORITY = -100;
export const MAX_PRIORITY = 100;

/** What happens to a run that reaches a limit: the request is refused, or the run waits for a free slot. */
export type OnRunLimit = 'refuse' | 'wait';

/** How a request wants its run to be started. */
export interface RunRequest {
  /** Undefined: as the configuration says. */
  onLimit?: OnRunLimit;
  priority?: number;
}

/** A run that waits for a free slot. */
export interface QueuedRun {
  conversation_id: string;
  /** The key whose conversation it is; null for the administrator's. */
  owner_key: string | null;
  priority: number;
  /** ISO time. Earlier runs of the same priority start first. */
  queued_at: string;
  /** How many events the log had: a run that has begun since then makes this one needless. */
  log_length: number;
}

/** Its place in the queue, as answers show it. */
export interface QueuePlace extends JsonObject {
  conversation_id: string;
  priority: number;
  queued_at: string;
  /** 1 for the next one. Null: it waits on another server. */
  place: number | null;
  /** What it waits for: a free slot of the server, or the end of another run of its key. */
  waits_for: 'server' | 'key';
}

/** An entry of the stored queue; undefined if it is not one. */
export function readQueuedRun(value: unknown): QueuedRun | undefined {
  if (!isJsonObject(value)) return undefined;
  const { conversation_id: id, owner_key: owner, priority, queued_at: at, log_length: length } = value;
  if (typeof id !== 'string' || typeof at !== 'string' || Number.isNaN(Date.parse(at))) return undefined;
  if (owner !== null && typeof owner !== 'string') return undefined;
  if (typeof priority !== 'number' || !Number.isInteger(priority)) return undefined;
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0) return undefined;
  return { conversation_id: id, owner_key: owner, priority, queued_at: at, log_length: length };
}

/**
 * The order in which runs start. Keys take turns: the run of a key that has fewer runs, active ones and those
 * before it, comes first. Then a higher priority, then the older request.
 * @param activeOf how many runs of a key are active
 */
export function inOrder<T extends QueuedRun>(
  runs: Iterable<T>,
  activeOf: (owner: string | null) => number,
): T[] {
  const turns = new Map<string | null, number>();
  const ranked = [...runs].sort(byUrgency).map((run) => {
    const turn = turns.get(run.owner_key) ?? activeOf(run.owner_key);
    turns.set(run.owner_key, turn + 1);
    return { run, turn };
  });
  // The sort is stable: runs of the same turn stay in the order of their urgency.
  return ranked.sort((a, b) => a.turn - b.turn).map(({ run }) => run);
}

function byUrgency(a: QueuedRun, b: QueuedRun): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.queued_at !== b.queued_at) return a.queued_at < b.queued_at ? -1 : 1;
  return a.conversation_id < b.conversation_id ? -1 : 1;
}
