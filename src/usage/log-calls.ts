import { formatLocal } from '../events/index.js';
import { asJsonObject, isJsonObject, tryParseJson, type JsonObject } from '../json/index.js';
import {
  TOKEN_KINDS,
  toUsageEntry,
  type CatalogueEntry,
  type LogReader,
  type UsageEntry,
} from '../storage/index.js';
import { CALL_FIELD, callIn, timeOf } from './model-call.js';

/** Events that are read at a time. */
const BATCH = 500;

/**
 * The calls that a log records, in batches.
 * @param since only events from this time on (ms since the epoch); undefined: all. Only then calls are
 *   derived that older servers have counted without a record of each.
 */
export async function* callsInLog(
  log: LogReader,
  { id, owner_key }: Pick<CatalogueEntry, 'id' | 'owner_key'>,
  since?: number,
): AsyncGenerator<UsageEntry[]> {
  const totals = since === undefined ? new EarlierTotals(id, owner_key) : undefined;
  const filter = {
    kind: 'ConversationStateUpdateEvent',
    ...(since !== undefined && { timestampGte: formatLocal(since * 1000) }),
  };
  for (let from = 0; from < log.length;) {
    const seqs = await log.select(filter, { from, descending: false, length: log.length, limit: BATCH });
    const last = seqs.at(-1);
    if (last === undefined) return;
    const lines = await log.readMany(seqs);
    yield lines.flatMap((line) => {
      if (!line.includes('"key":"stats"')) return [];
      const event = asJsonObject(tryParseJson(line));
      const derived = totals?.follow(event) ?? [];
      const call = callIn(event);
      return call ? [call] : derived;
    });
    from = last + 1;
  }
}

/** What was counted under one usage id, as far as costs go. */
type Totals = Record<(typeof TOKEN_KINDS)[number] | 'cost', number>;

/**
 * Servers before the ledger have recorded only the statistics after each call: what they have grown by is the
 * call.
 */
class EarlierTotals {
  private readonly totals = new Map<string, Totals>();

  constructor(
    private readonly conversationId: string,
    private readonly ownerKey: string | null,
  ) {}

  /** The calls that an event without a record tells of. */
  follow(event: JsonObject): UsageEntry[] {
    const { id, timestamp, value } = event;
    const { usage_to_metrics: byUsageId, [CALL_FIELD]: record } = asJsonObject(value);
    const calls: UsageEntry[] = [];
    for (const [usageId, metrics] of Object.entries(asJsonObject(byUsageId))) {
      const grown = this.grownBy(usageId, asJsonObject(metrics));
      if (grown === undefined || isJsonObject(record)) continue;
      const model = asJsonObject(metrics)['model_name'];
      const call = toUsageEntry({
        id: `${String(id)}:${usageId}`,
        time: timeOf(timestamp),
        conversation_id: this.conversationId,
        key_id: this.ownerKey,
        model,
        provider: /^[^/]+(?=\/)/.exec(String(model))?.[0] ?? null,
        usage_id: usageId,
        ...grown,
      });
      if (call) calls.push(call);
    }
    return calls;
  }

  private grownBy(usageId: string, metrics: JsonObject): Totals | undefined {
    const tokens = asJsonObject(metrics['accumulated_token_usage']);
    const counts = TOKEN_KINDS.map((kind) => [kind, numberOr0(tokens[kind])] as const);
    const now: Totals = {
      ...(Object.fromEntries(counts) as Totals),
      cost: numberOr0(metrics['accumulated_cost']),
    };
    const before = this.totals.get(usageId);
    this.totals.set(usageId, now);
    // The statistics of a fork may begin anew.
    const base = before && before.prompt_tokens <= now.prompt_tokens ? before : undefined;
    const grown = Object.fromEntries(
      Object.entries(now).map(([name, count]) => [name, count - (base?.[name as keyof Totals] ?? 0)]),
    ) as Totals;
    return Object.values(grown).some((count) => count > 0) ? grown : undefined;
  }
}

function numberOr0(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
