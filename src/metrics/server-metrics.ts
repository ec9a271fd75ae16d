import { meters, type Counter, type Timing } from '../meters/index.js';
import type { WebhookStatus } from '../webhooks/webhook-status.js';
import type { Metric, Sample } from './exposition.js';

/** What the server has to do, as it stands now. */
export interface ServerFacts {
  conversations: { known: number; open: number };
  runs: { running: number; limit: number; refused: number };
  sockets: number;
  webhooks: readonly WebhookStatus[];
}

/** Conversations, runs, sockets, logs, models and webhooks. */
export function serverMetrics({ conversations, runs, sockets, webhooks }: ServerFacts): Metric[] {
  const ofWebhooks = (count: (webhook: WebhookStatus) => number): Sample[] =>
    webhooks.map((webhook) => ({ value: count(webhook), labels: { webhook: webhook.name ?? webhook.id } }));
  return [
    gauge('conversations', 'Conversations that there are.', conversations.known),
    gauge('conversations_open', 'Those of them that are in memory.', conversations.open),
    gauge('runs', 'Runs of agents that go on.', runs.running),
    gauge('runs_limit', 'Runs that may go on at once.', runs.limit),
    counter('runs_refused_total', 'Runs that were refused with 429.', runs.refused),
    gauge('sockets', 'Sockets that are open.', sockets),
    counter('sockets_slow_total', 'Sockets that were closed as too slow.', meters.slowSockets),
    counter(
      'unhandled_rejections_total',
      'Failures that nobody waited for; the log has them.',
      meters.unhandledRejections,
    ),
    counter('events_appended_total', 'Events that were made durable.', meters.eventsAppended),
    timing('log_write_seconds', 'Writing to a log, until fdatasync has answered.', meters.logWrites),
    counter('llm_attempts_total', 'Attempts to have a model answer.', meters.llmAttempts),
    counter('llm_failures_total', 'Attempts that failed.', meters.llmFailures),
    timing('llm_answer_seconds', 'From an attempt to the end of its answer.', meters.llmAnswers),
    {
      ...counter('webhook_events_delivered_total', 'Events that receivers have taken.', 0),
      samples: ofWebhooks((webhook) => webhook.delivered_events),
    },
    {
      ...counter('webhook_requests_failed_total', 'Requests to receivers that were in vain.', 0),
      samples: ofWebhooks((webhook) => webhook.failed_requests),
    },
    {
      ...gauge('webhook_events_pending', 'Events that wait for receivers.', 0),
      samples: ofWebhooks((webhook) => webhook.pending_events),
    },
  ];
}

const PREFIX = 'agent_server_';

function gauge(name: string, help: string, value: number): Metric {
  return { name: PREFIX + name, help, type: 'gauge', samples: [{ value }] };
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
