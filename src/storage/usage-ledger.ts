/** The token counts of a call, by kind. `prompt_tokens` includes what was read from or written to a cache. */
export const TOKEN_KINDS = [
  'prompt_tokens',
  'completion_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
] as const;

/** Token counts by kind. */
export type TokenCounts = Record<(typeof TOKEN_KINDS)[number], number>;

/** One call of a model. The names are those of the wire. */
export interface UsageEntry extends TokenCounts {
  /** The id of the event that records the call: an entry that is appended twice is stored once. */
  id: string;
  /** UTC with milliseconds. */
  time: string;
  /** Null for a call outside of conversations. */
  conversation_id: string | null;
  /** The message of the user that the conversation worked on. */
  run_id: string | null;
  /** The named key that owns the conversation; null: the administrator's. */
  key_id: string | null;
  model: string;
  provider: string;
  usage_id: string;
  /** The tags that the conversation had. */
  tags: Readonly<Record<string, string>>;
  /** US dollars; null if the price is unknown. */
  cost: number | null;
  /** Seconds; null if nobody measured it. */
  latency: number | null;
  /** The class of the error of a failed call; null if the model answered. */
  error: string | null;
}

/** Sums over calls. */
export interface UsageTotals extends TokenCounts {
  calls: number;
  /** Calls that failed. */
  errors: number;
  /** Calls that a model answered at an unknown price. */
  unpriced: number;
  /** US dollars. */
  cost: number;
  /** Seconds, of all calls together. */
  latency: number;
}

/** What calls are grouped by. `tag` takes the value of one tag. */
export const USAGE_GROUPS = ['day', 'model', 'provider', 'key', 'conversation', 'usage_id', 'tag'] as const;
/** What calls are grouped by. */
export type UsageGroupName = (typeof USAGE_GROUPS)[number];

/** Which calls to sum up, and how. Times are rounded to slots. */
export interface UsageQuery {
  by: readonly UsageGroupName[];
  /** The zone that days are of (IANA). */
  timeZone: string;
  /** The tag whose values are groups. */
  tag?: string;
  /** From this time on, and before this one (ms since the epoch). */
  from?: number;
  before?: number;
  /** Null: the administrator's calls. */
  keyId?: string | null;
  conversationId?: string;
  model?: string;
  provider?: string;
  usageId?: string;
  /** The groups with the highest cost; the sum is over all. */
  limit: number;
}

/** A group with its values in the order of `by`; null where a call has none. */
export interface UsageGroup extends UsageTotals {
  values: (string | null)[];
}

/** The groups of a query. */
export interface UsageReport {
  groups: UsageGroup[];
  total: UsageTotals;
  /** There are more groups than were asked for. */
  isTruncated: boolean;
}

/**
 * Sums are kept by quarter of an hour, so that days of any time zone can be made from them (ms). All offsets
 * of zones are multiples of it.
 */
export const SLOT_MS = 900_000;

/** The slot that contains a time. */
export function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}

/** Where the file driver stores the ledger: an absolute path. */
export abstract class UsageLedgerOptions {
  abstract readonly folder: string;
}

/**
 * What models have cost: one entry a call, of all servers of the storage. It is derived from the logs of
 * conversations, and keeps the entries of those that were deleted. Entries are only ever added.
 */
export abstract class UsageLedger {
  /**
   * Appends entries. One whose id is stored already is left out.
   * @returns how many were added
   * @throws StorageFailedError
   */
  abstract append(entries: readonly UsageEntry[]): Promise<number>;

  /** Sums up calls. @throws StorageFailedError */
  abstract report(query: UsageQuery): Promise<UsageReport>;

  /**
   * The time of the newest entry, or a little earlier (ms since the epoch); undefined without entries.
   * @param upTo leave out later entries (ms since the epoch): the clock may have been wrong
   */
  abstract newest(upTo?: number): Promise<number | undefined>;

  /** Makes the sums anew from the entries. */
  abstract recount(): Promise<void>;

  /** All entries in batches, for a copy of the ledger. */
  abstract entries(): AsyncGenerator<UsageEntry[]>;

  /** Waits for what is being written and releases what is held. */
  abstract close(): Promise<void>;
}

/** Sums of no call. */
export function noUsage(): UsageTotals {
  return {
    calls: 0,
    errors: 0,
    unpriced: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    cost: 0,
    latency: 0,
  };
}

/** Adds sums to others. */
export function addTotals(sum: UsageTotals, more: UsageTotals): void {
  sum.calls += more.calls;
  sum.errors += more.errors;
  sum.unpriced += more.unpriced;
  for (const kind of TOKEN_KINDS) sum[kind] += more[kind];
  sum.cost += more.cost;
  sum.latency += more.latency;
}
