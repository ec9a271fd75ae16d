import { isJsonObject } from '../json/index.js';
import { TOKEN_KINDS, type TokenCounts, type UsageEntry } from './usage-ledger.js';

/** Longer names are cut: an entry has a bounded size (characters). */
const MAX_NAME = 300;
/** Later years have more digits, and are no months of the ledger (ms since the epoch). */
const MAX_TIME = Date.UTC(10_000, 0);
/** Tags of one entry; further ones are left out. */
const MAX_TAGS = 32;

/** Reads an entry from untrusted JSON; undefined if it lacks what an entry needs. */
export function toUsageEntry(value: unknown): UsageEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, time, model } = value;
  if (typeof id !== 'string' || id === '' || typeof model !== 'string') return undefined;
  if (typeof time !== 'string' || !(Date.parse(time) >= 0 && Date.parse(time) < MAX_TIME)) return undefined;
  return {
    id: usageName(id),
    time: new Date(time).toISOString(),
    conversation_id: nameOrNull(value['conversation_id']),
    run_id: nameOrNull(value['run_id']),
    key_id: nameOrNull(value['key_id']),
    model: usageName(model),
    provider: nameOrNull(value['provider']) ?? '',
    usage_id: nameOrNull(value['usage_id']) ?? '',
    tags: tagsIn(value['tags']),
    ...tokensIn(value),
    cost: numberOrNull(value['cost']),
    latency: numberOrNull(value['latency']),
    error: nameOrNull(value['error']),
  };
}

function tokensIn(value: Readonly<Record<string, unknown>>): TokenCounts {
  const counts = TOKEN_KINDS.map((kind) => [kind, Math.round(numberOrNull(value[kind]) ?? 0)]);
  return Object.fromEntries(counts) as TokenCounts;
}

function nameOrNull(value: unknown): string | null {
  return typeof value === 'string' ? usageName(value) : null;
}

/**
 * A name as it is stored. PostgreSQL takes no NUL, and in JSON no half of a pair: one such entry would keep
 * all others from being written.
 */
export function usageName(text: string): string {
  return text.slice(0, MAX_NAME).replaceAll('\0', '').toWellFormed();
}

/** A number that no addition makes useless. */
function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value < 1e12 ? value : null;
}

/** In the order of their names, so that equal tags are one text. */
function tagsIn(value: unknown): Record<string, string> {
  if (!isJsonObject(value)) return {};
  const tags = Object.entries(value)
    .flatMap(([name, text]) => (typeof text === 'string' ? [[nameOrNull(name), nameOrNull(text)]] : []))
    .sort(([one], [other]) => ((one ?? '') < (other ?? '') ? -1 : 1))
    .slice(0, MAX_TAGS);
  return Object.fromEntries(tags) as Record<string, string>;
}
