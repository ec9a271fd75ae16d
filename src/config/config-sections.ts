import { Choice, Custom, Decimal, Dictionary, Flag, Text, Url, Whole } from './config-field.js';

/** A receiver of webhooks. Either `base_url` or `webhook_url` (the older form) is set. */
export class WebhookConfig {
  @Url('Events are sent to `{base_url}/events/{id}`, conversations to `{base_url}/conversations`.', {
    nullable: true,
  })
  base_url: string | null = null;
  @Url('Events are sent to exactly this URL.', { nullable: true })
  webhook_url: string | null = null;
  @Text('Identifies the queue of the receiver across restarts; the URL does by default.', { nullable: true })
  name: string | null = null;
  @Text(
    'Key that signs deliveries (Standard Webhooks): base64 of 24 to 64 bytes, with or without `whsec_`.',
    {
      nullable: true,
      secret: true,
    },
  )
  secret: string | null = null;
  @Choice('HTTP method of deliveries.', ['POST', 'PUT', 'PATCH'])
  method: string = 'POST';
  @Dictionary('Headers that are added to each delivery.', { secret: true })
  headers: Record<string, string> = {};
  @Whole('Maximum number of events per delivery (default with `webhook_url`: 10).', { min: 1 })
  event_buffer_size: number = 5;
  @Decimal('Maximum seconds that an event waits for others before it is sent.', { above: 0 })
  flush_delay: number = 30;
  @Whole('Number of retries after which a failure is logged. Events are retried without end.', { min: 0 })
  num_retries: number = 3;
  @Whole('Seconds before the first retry. Doubled for each further one, up to five minutes.', {
    min: 0,
  })
  retry_delay: number = 5;
  @Whole('Has no effect: any number of events can wait in the log.', { min: 1 })
  max_queue_size: number = 1000;
  @Whole('Maximum bytes of one delivery.', { min: 1 })
  max_batch_bytes: number = 5 * 1024 * 1024;
  @Whole('Maximum bytes of pending events that are kept of a deleted conversation.', { min: 1 })
  max_queue_bytes: number = 50 * 1024 * 1024;
}

/** A marketplace that conversations can load skills from. */
export class MarketplaceConfig {
  @Text('Name of the marketplace.')
  name!: string;
  @Text('Repository or folder of the marketplace.')
  source!: string;
  @Text('Branch, tag or commit.', { nullable: true })
  ref: string | null = null;
  @Text('Folder inside the repository.', { nullable: true })
  repo_path: string | null = null;
  @Custom(
    'Names of the skills that are loaded automatically; true for all.',
    'true, false or a list of strings',
    isAutoLoad,
  )
  auto_load: boolean | string[] = false;
}

/** Usage reports. Off by default. */
export class TelemetryConfig {
  @Choice('Where this server runs.', ['local', 'remote'])
  deployment_kind: string = 'local';
  @Choice('Receiver of the reports.', ['none', 'posthog', 'http'])
  exporter: string = 'none';
  @Text('Key of the PostHog project.', { nullable: true, secret: true })
  posthog_api_key: string | null = null;
  @Url('Address of PostHog.')
  posthog_host: string = 'https://us.i.posthog.com';
  @Url('Address of an HTTP receiver.', { nullable: true })
  http_endpoint: string | null = null;
  @Text('Bearer token of the HTTP receiver.', { nullable: true, secret: true })
  http_token: string | null = null;
  @Text('Salt for the hashes of identifiers.', { nullable: true, secret: true })
  salt: string | null = null;
  @Whole('Maximum number of pending reports.', { min: 1 })
  max_queue_size: number = 1000;
  @Whole('Maximum number of reports per request.', { min: 1 })
  event_buffer_size: number = 20;
  @Decimal('Maximum seconds that a report waits for others before it is sent.', { above: 0 })
  flush_delay: number = 30;
  @Whole('Number of retries.', { min: 0 })
  num_retries: number = 2;
  @Decimal('Seconds between attempts.', { min: 0 })
  retry_delay: number = 5;
}

/** Limits of each named key that has none of its own. The session key has no limits. */
export class KeyLimitsConfig {
  @Whole(
    'Requests, and messages on sockets, of a key in a minute; null: no limit.',
    { min: 1 },
    { nullable: true },
  )
  requests_per_minute: number | null = null;
  @Whole('Open sockets of a key; null: no limit.', { min: 1 }, { nullable: true })
  sockets: number | null = null;
  @Whole(
    'Runs of the conversations of a key at the same time; null: no limit.',
    { min: 1 },
    { nullable: true },
  )
  concurrent_runs: number | null = null;
  @Whole('Conversations that a key creates in a day (UTC); null: no limit.', { min: 1 }, { nullable: true })
  conversations_per_day: number | null = null;
  @Decimal(
    'US dollars that the models of the conversations of a key cost in a day (UTC); null: no limit.',
    { min: 0 },
    { nullable: true },
  )
  usd_per_day: number | null = null;
  @Decimal(
    'US dollars that the models of the conversations of a key cost in a month (UTC); null: no limit.',
    { min: 0 },
    { nullable: true },
  )
  usd_per_month: number | null = null;
}

/** What files were before each step of an agent. */
export class CheckpointsConfig {
  @Flag('Whether the content of files is kept before an agent changes them.')
  enabled: boolean = true;
  @Whole('Bytes on disk for the checkpoints of a conversation. The oldest are dropped.', { min: 65_536 })
  max_bytes: number = 128 * 1024 * 1024;
  @Whole('Bytes of the largest file whose content is kept.', { min: 1, max: 64 * 1024 * 1024 })
  max_file_bytes: number = 2 * 1024 * 1024;
  @Whole('In a workspace with more files, what commands change is not followed.', { min: 1, max: 200_000 })
  max_files: number = 20_000;
}

/** What the models of all conversations together may cost. */
export class BudgetsConfig {
  @Decimal(
    'US dollars that all models together cost in a day (UTC), on all servers; null: no limit.',
    { min: 0 },
    { nullable: true },
  )
  usd_per_day: number | null = null;
  @Decimal(
    'US dollars that all models together cost in a month (UTC), on all servers; null: no limit.',
    { min: 0 },
    { nullable: true },
  )
  usd_per_month: number | null = null;
  @Whole(
    'From which share of a budget on conversations are warned (percent): of these budgets, of those of keys, and of those of conversations.',
    { min: 1, max: 100 },
  )
  warn_percent = 80;
}

/** Terminals of people. */
export class TerminalsConfig {
  @Whole('Maximum number of terminals that are open at the same time; 0: none can be opened.', {
    min: 0,
    max: 10_000,
  })
  max: number = 200;
  @Whole('Maximum number of open terminals of a named key.', { min: 1 })
  max_per_key: number = 20;
  @Whole('Seconds after which a terminal ends that nobody is connected with.', { min: 5, max: 7 * 86_400 })
  idle_seconds: number = 3600;
  @Whole('Bytes of output that are kept of each terminal, for viewers that come later or again.', {
    min: 4096,
    max: 64 * 1024 * 1024,
  })
  scrollback_bytes: number = 1024 * 1024;
}

function isAutoLoad(value: unknown): boolean {
  return typeof value === 'boolean' || (Array.isArray(value) && value.every((i) => typeof i === 'string'));
}
