import { utcFromLocal, type ConversationEvent } from '../events/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../json/index.js';
import { toUsageEntry, type TokenCounts, type UsageEntry } from '../storage/index.js';

/**
 * One call of a model, as the `stats` event that counts it records it (`call`). It names its conversation, so
 * that a copy of the event in a fork is recognised as the same call.
 */
export interface ModelCall extends TokenCounts {
  id: string;
  conversation_id: string;
  run_id: string | null;
  key_id: string | null;
  model: string;
  provider: string;
  usage_id: string;
  /** US dollars; null if the price is unknown. */
  cost: number | null;
  /** Seconds. */
  latency: number | null;
  /** The class of the error of a failed call. */
  error: string | null;
  tags: Readonly<Record<string, string>>;
}

/** A call that belongs to no conversation, so that no log records it. */
export type OutsideCall = Omit<ModelCall, 'id' | 'conversation_id' | 'run_id' | 'tags'>;

/** The tokens of a call without an answer, as far as anybody knows. */
export const NO_TOKENS: TokenCounts = {
  prompt_tokens: 0,
  completion_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
};

/** What `stats` events hold beside the statistics. */
export const CALL_FIELD = 'call';

/** The record of a call for its event: what is zero, empty or unknown is left out. */
export function recordOf(call: ModelCall): JsonObject {
  const fields = Object.entries(call).filter(([, value]) => value !== null && value !== 0 && !isEmpty(value));
  // A price of zero is known.
  return { ...Object.fromEntries(fields), ...(call.cost !== null && { cost: call.cost }) };
}

/** The call that an event records; undefined for all other events. */
export function callIn(event: ConversationEvent | JsonObject): UsageEntry | undefined {
  const { kind, key, value, timestamp } = event as JsonObject;
  if (kind !== 'ConversationStateUpdateEvent' || key !== 'stats' || !isJsonObject(value)) return undefined;
  const call = value[CALL_FIELD];
  if (!isJsonObject(call)) return undefined;
  return toUsageEntry({ ...call, time: timeOf(timestamp) });
}

/**
 * An event that the ledger leaves out for good, also what its statistics have grown by: whoever sends it
 * could say of any key and of any day what it has cost.
 */
export function withoutCall<T extends JsonObject>(event: T): T {
  const { kind, key, value } = event;
  if (kind !== 'ConversationStateUpdateEvent' || key !== 'stats' || !isJsonObject(value)) return event;
  return { ...event, value: { ...value, [CALL_FIELD]: {} } };
}

/** The call of a conversation whose server is not trusted: whose it is, is said here. */
export function callOf(entry: UsageEntry, conversationId: string, keyId: string | null): UsageEntry {
  return { ...entry, conversation_id: conversationId, key_id: keyId };
}

/** The time of an event in UTC. */
export function timeOf(timestamp: unknown): string | undefined {
  try {
    return `${utcFromLocal(String(timestamp)).slice(0, 23)}Z`;
  } catch {
    return undefined;
  }
}

function isEmpty(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(asJsonObject(value)).length === 0;
}
