import path from 'node:path';
import {
  Choice,
  Custom,
  Decimal,
  Dictionary,
  Flag,
  NameList,
  Pattern,
  Section,
  SectionList,
  Text,
  TextList,
  Url,
  Whole,
} from './config-field.js';

/**
 * The file that is read when `OPENHANDS_AGENT_SERVER_CONFIG_PATH` names none, relative to the current folder.
 */
export const DEFAULT_CONFIG_FILE = 'workspace/openhands_agent_server_config.json';

/** A receiver of webhooks. Either `base_url` (today's spelling) or `webhook_url` (the first one) is set. */
export class WebhookConfig {
  @Url('Events go to `{base_url}/events/{id}`, conversations to `{base_url}/conversations`.', {
    nullable: true,
  })
  base_url: string | null = null;
  @Url('Events go to this URL as it stands.', { nullable: true })
  webhook_url: string | null = null;
  @Text('Its queue belongs to this name; without one, to the URL.', { nullable: true })
  name: string | null = null;
  @Text('Signs deliveries (Standard Webhooks): base64 of 24 to 64 bytes, with or without `whsec_`.', {
    nullable: true,
    secret: true,
  })
  secret: string | null = null;
  @Choice('HTTP method of deliveries.', ['POST', 'PUT', 'PATCH'])
  method: string = 'POST';
  @Dictionary('Headers that are added to each delivery.', { secret: true })
  headers: Record<string, string> = {};
  @Whole('So many events are sent at once (10 with `webhook_url`).', { min: 1 })
  event_buffer_size: number = 5;
  @Decimal('Seconds after the first waiting event until what waits is sent.', { above: 0 })
  flush_delay: number = 30;
  @Whole('After so many more attempts a failure is reported; events are tried again for ever.', { min: 0 })
  num_retries: number = 3;
  @Whole('Seconds before the second attempt; each further pause is twice as long, up to five minutes.', {
    min: 0,
  })
  retry_delay: number = 5;
  @Whole('Has no effect: any number of events may wait in the log.', { min: 1 })
  max_queue_size: number = 1000;
  @Whole('Bytes of one delivery.', { min: 1 })
  max_batch_bytes: number = 5 * 1024 * 1024;
  @Whole('Bytes that may wait of a deleted conversation.', { min: 1 })
  max_queue_bytes: number = 50 * 1024 * 1024;
}

/** A source of skills that conversations may load from. */
export class MarketplaceConfig {
  @Text('Its name.')
  name!: string;
  @Text('Where it is: a repository or a folder.')
  source!: string;
  @Text('Branch, tag or commit.', { nullable: true })
  ref: string | null = null;
  @Text('Folder inside the repository.', { nullable: true })
  repo_path: string | null = null;
  @Custom('What is loaded without being asked for.', 'true, false or a list of texts', isAutoLoad)
  auto_load: boolean | string[] = false;
}

/** What the server reports about its use. Off by default. */
export class TelemetryConfig {
  @Choice('Where this server runs.', ['local', 'remote'])
  deployment_kind: string = 'local';
  @Choice('Where reports go.', ['none', 'posthog', 'http'])
  exporter: string = 'none';
  @Text('Key of the PostHog project.', { nullable: true, secret: true })
  posthog_api_key: string | null = null;
  @Url('Address of PostHog.')
  posthog_host: string = 'https://us.i.posthog.com';
  @Url('Address of an HTTP receiver.', { nullable: true })
  http_endpoint: string | null = null;
  @Text('Bearer token of the HTTP receiver.', { nullable: true, secret: true })
  http_token: string | null = null;
  @Text('Mixed into identifiers before they are hashed.', { nullable: true, secret: true })
  salt: string | null = null;
  @Whole('So many reports may wait.', { min: 1 })
  max_queue_size: number = 1000;
  @Whole('So many reports are sent at once.', { min: 1 })
  event_buffer_size: number = 20;
  @Decimal('Seconds until what waits is sent.', { above: 0 })
  flush_delay: number = 30;
  @Whole('Attempts after the first one.', { min: 0 })
  num_retries: number = 2;
  @Decimal('Seconds between attempts.', { min: 0 })
  retry_delay: number = 5;
}

/** Where the server listens. Comes from the command line. */
export interface ListenAddress {
  host: string;
  /** 0: any free port. */
  port: number;
  /** The host was asked for, so whoever reaches it is meant to be served. */
  hostGiven: boolean;
}

/** The folders of a configuration, absolute; null: not configured. */
export interface ConfiguredPaths {
  conversations: string;
  workspace: string;
  worktrees: string;
  bashEvents: string;
  staticFiles: string | null;
  ui: string | null;
  /** Null: the file routes serve everything. */
  fileRoot: string | null;
}

/**
 * The server's configuration, complete and valid. Field names are those of the configuration file and, in
 * upper case after `OH_`, of the environment. Paths stand here as configured; `paths` has them absolute.
 */
export class AppConfig {
  @TextList('Each of these keys opens the server; none: it is open.', { secret: true })
  session_api_keys: string[] = [];
  @Text('Encrypts secrets at rest.', { nullable: true, secret: true })
  secret_key: string | null = null;
  @TextList('Former secret keys; they still decrypt.', { secret: true })
  previous_secret_keys: string[] = [];
  @TextList('Origins whose pages may call the server; localhost always may.')
  allow_cors_origins: string[] = [];
  @Pattern('Origins that match may call the server too.', { nullable: true })
  allow_cors_origin_regex: string | null = null;
  @Text('Folder of the conversations.')
  conversations_path: string = 'workspace/conversations';
  @Text('Folder that agents work in by default.')
  workspace_path: string = 'workspace/project';
  @Text('Folder of the git worktrees that conversations ask for.')
  conversation_worktree_root: string = '/tmp/conversation-worktrees';
  @TextList(
    'Filter drivers (`lfs`) of your own git configuration that run when the worktree of a conversation is made.',
  )
  git_filters: string[] = [];
  @Text('Folder of the events of the bash routes.')
  bash_events_dir: string = 'workspace/bash_events';
  @Whole('Seconds that events of the bash routes are kept; null: for ever.', { above: 0 }, { nullable: true })
  bash_events_retention_seconds: number | null = null;
  @Whole('So many events of the bash routes are kept, of each conversation too; the oldest go first.', {
    min: 2,
  })
  bash_events_max_count: number = 10_000;
  @Whole('Bytes of these events that are kept.', { min: 1 })
  bash_events_max_bytes: number = 256 * 1024 * 1024;
  @Whole('Characters of output that are recorded of one command of the bash routes.', { min: 1 })
  bash_output_limit_chars: number = 32 * 1024 * 1024;
  @Text('The file and git routes serve what lies in this folder only; null: whatever the server may touch.', {
    nullable: true,
  })
  file_root: string | null = null;
  @Whole('Bytes of one uploaded file; null: as many as the disk takes.', { min: 0 }, { nullable: true })
  max_upload_bytes: number | null = null;
  @Text('Folder served under /static, where / then leads to; left out when it is not there.', {
    nullable: true,
  })
  static_files_path: string | null = null;
  @Text('Folder of a built web UI, served at / beside the API (also --ui).', { nullable: true })
  ui_path: string | null = null;
  @Flag(
    'Pages among the files of workspaces run with the origin of the server, as in the original: they may read what it ' +
      'shows to browsers and, without a key, do what anybody may.',
  )
  trust_workspace_pages: boolean = false;
  @Flag('Put the session key into the page of the web UI: whoever opens the page then has it.')
  ui_give_key: boolean = false;
  @NameList('Further variables that shells and programs of agents get, as in `CI,AWS_*`.')
  shell_environment: string[] = [];
  @SectionList('Receivers of events.', WebhookConfig)
  webhooks: WebhookConfig[] = [];
  @Flag('Offer an editor in the browser.')
  enable_vscode: boolean = true;
  @Text('Folder of that editor: OpenVSCode Server, with its bin/openvscode-server.')
  vscode_path: string = '/openhands/.openvscode-server';
  @Whole('Port of that editor.', { min: 1, max: 65535 })
  vscode_port: number = 8001;
  @Text('Path of that editor behind a proxy.', { nullable: true })
  vscode_base_path: string | null = null;
  @Flag('Load the tools before the first conversation asks for them.')
  preload_tools: boolean = true;
  @Whole('So many conversations may run at once.', { min: 1 })
  max_concurrent_runs: number = 10;
  @Decimal(
    'Seconds that a request under /v1 waits for an answer that is not streamed; null: as long as it takes.',
    { above: 0 },
    { nullable: true },
  )
  gateway_timeout_seconds: number | null = 120;
  @Decimal('Seconds of silence after which a stream under /v1 shows that it is still there.', { above: 0 })
  gateway_keep_alive_seconds: number = 15;
  @Flag('Conversations that were running when the server died go on by themselves at the next start.')
  resume_on_start: boolean = false;
  @Whole(
    'Bytes of request bodies and socket frames over 64 KiB that are worked on at a time; past it requests are answered 503.',
    { min: 32 * 1024 * 1024 },
  )
  max_body_bytes_in_flight: number = 128 * 1024 * 1024;
  @Whole(
    'Wrong keys a minute from one address; past it the keys of that address are answered 429 until the minute is over, ' +
      'right ones too, unless it has shown one before. 0: any number.',
    { min: 0 },
  )
  max_failed_keys_per_minute: number = 30;
  @Whole('So many sockets may watch one conversation.', { min: 1 })
  max_socket_subscribers: number = 1000;
  @Url('Address under which browsers reach the server.', { nullable: true })
  web_url: string | null = null;
  @Url('Address under which browsers reach back ends of canvas extensions; nothing else answers there.', {
    nullable: true,
  })
  app_backend_public_url: string | null = null;
  @Flag('Believe X-Forwarded-* headers.')
  trust_forwarded_headers: boolean = false;
  @Choice('Where conversations run.', ['local', 'docker'])
  conversation_runtime: string = 'local';
  @Flag('A request may choose where its conversation runs.')
  conversation_runtime_selectable: boolean = false;
  @Text('Image of conversation containers.')
  conversation_image: string = 'ghcr.io/openhands/agent-server:latest-python';
  @Flag('That image has a browser; null: not known.', { nullable: true })
  conversation_image_has_browser: boolean | null = null;
  @Flag('Offer the browser tools.')
  enable_browser: boolean = true;
  @Text('Memory limit of a conversation container.', { nullable: true })
  conversation_container_memory: string | null = '4g';
  @Decimal('Processors of a conversation container.', { above: 0 }, { nullable: true })
  conversation_container_cpus: number | null = 2;
  @Whole('Processes of a conversation container.', { above: 0 }, { nullable: true })
  conversation_container_pids_limit: number | null = 512;
  @Decimal('Seconds a conversation container may take to start.', { above: 0 })
  conversation_container_startup_timeout: number = 120;
  @Decimal('Share of the disk that conversations may fill.', { above: 0, below: 1 }, { nullable: true })
  conversation_storage_disk_budget: number | null = null;
  @Decimal('Days that conversations are kept; null: for ever.', { above: 0 }, { nullable: true })
  conversation_storage_retention_days: number | null = null;
  @Choice('Who provides the skills of external agents.', ['native', 'openhands_managed'])
  acp_skill_sourcing: string = 'native';
  @Text(
    'Where the repositories of `github:owner/repository` are: an address that git knows, or a folder as `file://`.',
  )
  github_url: string = 'https://github.com';
  @SectionList('Where skills may be loaded from.', MarketplaceConfig)
  registered_marketplaces: MarketplaceConfig[] = [];
  @Flag('Wait for POST /api/init before serving.')
  deferred_init: boolean = false;
  @Decimal('Seconds after which a silent server loses its conversations to another; 0: no leases.', {
    min: 0,
  })
  lease_ttl_seconds: number = 45;
  @Decimal(
    'Seconds after which an idle conversation is closed; null: never.',
    { above: 0 },
    { nullable: true },
  )
  conversation_idle_ttl_seconds: number | null = 1200;
  @Section('Reports about the use of the server.', TelemetryConfig)
  telemetry: TelemetryConfig = new TelemetryConfig();

  /** The folder that relative paths start from: the current one at start. */
  base_dir: string = process.cwd();
  listen: ListenAddress = { host: '0.0.0.0', port: 8000, hostGiven: false };

  /** The configured folders as absolute paths. */
  get paths(): ConfiguredPaths {
    return {
      conversations: path.resolve(this.base_dir, this.conversations_path),
      workspace: path.resolve(this.base_dir, this.workspace_path),
      worktrees: path.resolve(this.base_dir, this.conversation_worktree_root),
      bashEvents: path.resolve(this.base_dir, this.bash_events_dir),
      staticFiles: this.optional(this.static_files_path),
      ui: this.optional(this.ui_path),
      fileRoot: this.optional(this.file_root),
    };
  }

  private optional(folder: string | null): string | null {
    return folder === null ? null : path.resolve(this.base_dir, folder);
  }
}

function isAutoLoad(value: unknown): boolean {
  return typeof value === 'boolean' || (Array.isArray(value) && value.every((i) => typeof i === 'string'));
}
