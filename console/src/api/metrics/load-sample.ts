import { parseExposition, type MetricSample } from './exposition.js';

/** A histogram since the start of the server: how many values are up to each bound (s). */
interface Buckets {
  bounds: readonly number[];
  counts: readonly number[];
}

/** The load of the server at one moment. Counters are those since its start; null: not reported. */
export interface LoadSample {
  /** Unix time (s). */
  at: number;
  startedAt: number | null;
  cpuSeconds: number | null;
  memory: number | null;
  heap: number | null;
  loopP50: number | null;
  loopP99: number | null;
  conversations: number | null;
  openConversations: number | null;
  runs: number | null;
  runsQueued: number | null;
  runsLimit: number | null;
  runsRefused: number | null;
  sockets: number | null;
  logWrites: number | null;
  logWriteSeconds: number | null;
  logWriteBuckets: Buckets;
  events: number | null;
  modelRequests: number | null;
  modelFailures: number | null;
  /** Sums over all webhooks; null without webhooks. */
  webhookEvents: number | null;
  webhookOldestSeconds: number | null;
  diskFree: number | null;
  diskSize: number | null;
}

/** Reads the answer of `/metrics`. @param at when it came (ms since the epoch) */
export function toLoadSample(text: string, at: number): LoadSample {
  const byName = new Map<string, MetricSample[]>();
  for (const sample of parseExposition(text)) {
    const others = byName.get(sample.name);
    if (others === undefined) byName.set(sample.name, [sample]);
    else others.push(sample);
  }
  const values = (name: string): number[] => (byName.get(name) ?? []).map(({ value }) => value);
  const one = (name: string): number | null => values(name)[0] ?? null;
  const all = (name: string, combine: (numbers: number[]) => number): number | null =>
    byName.has(name) ? combine(values(name)) : null;
  return {
    at: at / 1000,
    startedAt: one('process_start_time_seconds'),
    cpuSeconds: one('process_cpu_seconds_total'),
    memory: one('process_resident_memory_bytes'),
    heap: one('nodejs_heap_size_used_bytes'),
    loopP50: one('nodejs_eventloop_lag_p50_seconds'),
    loopP99: one('nodejs_eventloop_lag_p99_seconds'),
    conversations: one('agent_server_conversations'),
    openConversations: one('agent_server_conversations_open'),
    runs: one('agent_server_runs'),
    runsLimit: one('agent_server_runs_limit'),
    runsQueued: one('agent_server_runs_queued'),
    runsRefused: one('agent_server_runs_refused_total'),
    sockets: one('agent_server_sockets'),
    logWrites: one('agent_server_log_write_seconds_count'),
    logWriteSeconds: one('agent_server_log_write_seconds_sum'),
    logWriteBuckets: bucketsOf(byName.get('agent_server_log_write_seconds_bucket') ?? []),
    events: one('agent_server_events_appended_total'),
    modelRequests: one('agent_server_llm_attempts_total'),
    modelFailures: one('agent_server_llm_failures_total'),
    webhookEvents: all('agent_server_webhook_events_pending', (numbers) =>
      numbers.reduce((sum, value) => sum + value, 0),
    ),
    webhookOldestSeconds: all('agent_server_webhook_oldest_pending_seconds', (numbers) =>
      Math.max(...numbers),
    ),
    diskFree: one('agent_server_disk_free_bytes'),
    diskSize: one('agent_server_disk_size_bytes'),
  };
}

function bucketsOf(samples: readonly MetricSample[]): Buckets {
  return {
    bounds: samples.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le']))),
    counts: samples.map(({ value }) => value),
  };
}

/**
 * How much a counter has grown per second between two samples; null if either is unknown, or if the server
 * was started anew in between.
 */
export function rate(
  before: LoadSample | undefined,
  after: LoadSample,
  counter: (sample: LoadSample) => number | null,
): number | null {
  const grown = growth(before, after, counter);
  const seconds = before === undefined ? 0 : after.at - before.at;
  return grown === null || seconds <= 0 ? null : grown / seconds;
}

/** How much a counter has grown between two samples. */
export function growth(
  before: LoadSample | undefined,
  after: LoadSample,
  counter: (sample: LoadSample) => number | null,
): number | null {
  if (before === undefined || isRestart(before, after)) return null;
  const [from, to] = [counter(before), counter(after)];
  return from === null || to === null || to < from ? null : to - from;
}

/** Whether another process has answered. Its start is computed anew each time, with small differences. */
export function isRestart(before: LoadSample, after: LoadSample): boolean {
  return Math.abs((before.startedAt ?? 0) - (after.startedAt ?? 0)) > 1;
}

/** A quantile of the log writes between two samples (s), interpolated in its bucket; null without writes. */
export function logWriteQuantile(
  before: LoadSample | undefined,
  after: LoadSample,
  quantile: number,
): number | null {
  if (before === undefined || isRestart(before, after)) return null;
  const { bounds, counts } = after.logWriteBuckets;
  const grown = counts.map((count, index) => count - (before.logWriteBuckets.counts[index] ?? 0));
  const total = grown.at(-1) ?? 0;
  if (total <= 0) return null;
  const wanted = total * quantile;
  const index = grown.findIndex((count) => count >= wanted);
  const low = index > 0 ? (bounds[index - 1] ?? 0) : 0;
  const high = bounds[index] ?? Infinity;
  // Above the last bound nothing is known but that.
  if (!Number.isFinite(high)) return low;
  const below = index > 0 ? (grown[index - 1] ?? 0) : 0;
  return low + ((high - low) * (wanted - below)) / Math.max(1, (grown[index] ?? 0) - below);
}
