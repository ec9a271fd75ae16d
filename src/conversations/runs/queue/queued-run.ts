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
  /** Gives the place in the queue back that was reserved for the run. Idempotent. */
  releasePlace?: () => void;
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

/** What the queue needs of the conversations of this server. */
export interface QueuedConversations {
  isOpen(id: string): boolean;
  /** Whether this server has the files of a conversation. */
  hasWorkspace(id: string): Promise<boolean>;
  /** Starts the run of a conversation in a slot, which `release` gives back. Rejects if it cannot start. */
  startQueuedRun(run: QueuedRun, release: () => void): Promise<void>;
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

/** The entry of the stored queue for a run that may know more. */
export function storedRun({
  conversation_id,
  owner_key,
  priority,
  queued_at,
  log_length,
}: QueuedRun): QueuedRun {
  return { conversation_id, owner_key, priority, queued_at, log_length };
}
