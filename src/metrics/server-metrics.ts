import { meters, type Counter, type Timing } from '../meters/index.js';
import type { WebhookStatus } from '../webhooks/index.js';
import type { DiskSpace } from '../files/index.js';
import type { Metric, Sample } from './exposition.js';

/** The current load of the server. */
interface ServerFacts {
  /** `known` is undefined if the storage does not answer. */
  conversations: { known: number | undefined; open: number };
  runs: { running: number; limit: number; refused: number; queued: number; waits: Timing };
  sockets: number;
  streams: number;
  rpcWaits: number;
  /** Trees of files that are watched, and their folders. */
  watches: { trees: number; folders: number };
  /** Searches that run. */
  searches: number;
  /** Open terminals, and their viewers. */
  terminals: { open: number; viewers: number };
  webhooks: readonly WebhookStatus[];
  /** Undefined if it is not known. */
  disk: DiskSpace | undefined;
  /** Entries that wait for the audit log. */
  auditBacklog: number;
  /** How often each limit of keys was reached. */
  limits: ReadonlyMap<string, Counter>;
}

/** Conversations, runs, sockets, logs, models and webhooks. */
export function serverMetrics(facts: ServerFacts): Metric[] {
  const { conversations, runs, sockets, streams, rpcWaits, terminals, watches, searches } = facts;
  const { webhooks, disk, auditBacklog, limits } = facts;
  const ofWebhooks = (count: (webhook: WebhookStatus) => number): Sample[] =>
    webhooks.map((webhook) => ({ value: count(webhook), labels: { webhook: webhook.name ?? webhook.id } }));
  return [
    ...(conversations.known === undefined
      ? []
      : [gauge('conversations', 'Stored conversations.', conversations.known)]),
    gauge('conversations_open', 'Open conversations.', conversations.open),
    gauge('runs', 'Active runs.', runs.running),
    gauge('runs_limit', 'Maximum of concurrent runs.', runs.limit),
    counter('runs_refused_total', 'Runs refused with 429.', runs.refused),
    gauge('runs_queued', 'Runs that wait for a free slot.', runs.queued),
    timing('run_wait_seconds', 'Time that runs have waited for a free slot.', runs.waits),
    gauge('sockets', 'Open sockets.', sockets),
    gauge('event_streams', 'Open streams of server-sent events.', streams),
    gauge('rpc_waits', 'Calls of other agents (MCP, A2A) that wait for a conversation.', rpcWaits),
    {
      ...counter(
        'rpc_calls_total',
        'Calls of other agents (MCP, A2A) that this server has executed, by outcome.',
        0,
      ),
      samples: Object.entries(meters.rpcCalls).map(([outcome, { total }]) => ({
        value: total,
        labels: { outcome },
      })),
    },
    gauge('watched_trees', 'Trees of files that clients watch.', watches.trees),
    gauge('watched_folders', 'Folders in these trees.', watches.folders),
    gauge('searches', 'Searches of files that run.', searches),
    gauge('terminals', 'Open terminals, of people and of agents.', terminals.open),
    gauge('terminal_viewers', 'Sockets on terminals.', terminals.viewers),
    counter('terminals_opened_total', 'Terminals that people have opened.', meters.terminalsOpened),
    counter('terminal_output_bytes_total', 'Bytes that terminals have printed.', meters.terminalBytes),
    counter(
      'sockets_slow_total',
      'Sockets closed because their clients read too slowly.',
      meters.slowSockets,
    ),
    counter(
      'unhandled_rejections_total',
      'Unhandled promise rejections; the log has details.',
      meters.unhandledRejections,
    ),
    counter('events_appended_total', 'Events stored durably.', meters.eventsAppended),
    timing('log_write_seconds', 'Time of a log write, including fdatasync.', meters.logWrites),
    counter('checkpoints_total', 'Steps of agents that have changed files.', meters.checkpoints),
    counter('checkpoint_files_total', 'Files that they have changed.', meters.checkpointFiles),
    counter(
      'checkpoint_failures_total',
      'Failures to record what a step has changed; the log has details.',
      meters.checkpointFailures,
    ),
    timing(
      'checkpoint_begin_seconds',
      'Time that a step waited until what it may change was kept.',
      meters.checkpointBegins,
    ),
    counter('file_restores_total', 'Restores of files.', meters.fileRestores),
    counter('llm_attempts_total', 'Requests to models.', meters.llmAttempts),
    counter('llm_failures_total', 'Failed requests to models.', meters.llmFailures),
    timing(
      'llm_answer_seconds',
      'Time from a request to a model to the end of its answer.',
      meters.llmAnswers,
    ),
    {
      ...counter('webhook_events_delivered_total', 'Events accepted by webhook receivers.', 0),
      samples: ofWebhooks((webhook) => webhook.delivered_events),
    },
    {
      ...counter('webhook_requests_failed_total', 'Failed requests to webhook receivers.', 0),
      samples: ofWebhooks((webhook) => webhook.failed_requests),
    },
    {
      ...gauge('webhook_events_pending', 'Events waiting for delivery to webhook receivers.', 0),
      samples: ofWebhooks((webhook) => webhook.pending_events),
    },
    {
      ...gauge('webhook_oldest_pending_seconds', 'Age of the oldest delivery that waits; 0 if none does.', 0),
      samples: ofWebhooks((webhook) => secondsSince(webhook.oldest_pending_at)),
    },
    counter('audit_entries_total', 'Entries that the audit log has taken.', meters.auditEntries),
    counter('audit_failures_total', 'Failed attempts to write the audit log.', meters.auditFailures),
    counter(
      'audit_lost_total',
      'Entries that were given up because the audit log could not be written.',
      meters.auditLost,
    ),
    gauge('audit_backlog', 'Entries that wait to be written.', auditBacklog),
    {
      ...counter('key_limit_refusals_total', 'Refusals because a key had reached a limit, by limit.', 0),
      samples: [...limits].map(([limit, { total }]) => ({ value: total, labels: { limit } })),
    },
    counter(
      'automation_runs_started_total',
      'Runs of automations that were started.',
      meters.automationRunsStarted,
    ),
    {
      ...counter(
        'automation_runs_ended_total',
        'Runs of automations that are over, by what has become of them.',
        0,
      ),
      samples: Object.entries(meters.automationRunsEnded).map(([status, { total }]) => ({
        value: total,
        labels: { status: status.toLowerCase() },
      })),
    },
    {
      ...counter(
        'automation_events_total',
        'Events of other systems for automations, by what became of them.',
        0,
      ),
      samples: Object.entries(meters.automationEvents).map(([outcome, { total }]) => ({
        value: total,
        labels: { outcome },
      })),
    },
    counter('retention_sweeps_total', 'Passes of the retention.', meters.retentionSweeps),
    counter('retention_failures_total', 'What the retention could not remove.', meters.retentionFailures),
    {
      ...counter('retention_removed_total', 'What the retention has removed, by kind.', 0),
      samples: Object.entries(meters.retentionRemoved).map(([kind, { total }]) => ({
        value: total,
        labels: { kind },
      })),
    },
    counter(
      'retention_freed_bytes_total',
      'Bytes on disk of the conversations that the retention has removed.',
      meters.retentionFreedBytes,
    ),
    ofDisk('disk_size_bytes', 'Size of the file system of the conversations.', disk?.size),
    ofDisk('disk_free_bytes', 'Free space on the file system of the conversations.', disk?.free),
  ];
}

const PREFIX = 'agent_server_';

function gauge(name: string, help: string, value: number): Metric {
  return { name: PREFIX + name, help, type: 'gauge', samples: [{ value }] };
}

function ofDisk(name: string, help: string, value: number | undefined): Metric {
  return { ...gauge(name, help, 0), samples: value === undefined ? [] : [{ value }] };
}

function secondsSince(time: string | null): number {
  return time === null ? 0 : Math.max(0, (Date.now() - Date.parse(time)) / 1000);
}

function counter(name: string, help: string, value: Counter | number): Metric {
  const total = typeof value === 'number' ? value : value.total;
  return { name: PREFIX + name, help, type: 'counter', samples: [{ value: total }] };
}

function timing(name: string, help: string, times: Timing): Metric {
  const classes = times.cumulative;
  const samples: Sample[] = classes.map(({ bound, count }) => ({
    suffix: '_bucket',
    labels: { le: bound === Infinity ? '+Inf' : String(bound) },
    value: count,
  }));
  samples.push({ suffix: '_sum', value: times.sum }, { suffix: '_count', value: classes.at(-1)?.count ?? 0 });
  return { name: PREFIX + name, help, type: 'histogram', samples };
}
