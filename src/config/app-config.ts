import { ConfigOrigin } from './config-origin.js';
import {
  Choice,
  Custom,
  Decimal,
  Flag,
  NameList,
  Pattern,
  Section,
  SectionList,
  Text,
  TextList,
  HostUrl,
  Url,
  Whole,
} from './config-field.js';
import { ContainersConfig } from './containers-config.js';
import { type ConfiguredPaths, configuredPaths } from './configured-paths.js';
import {
  BudgetsConfig,
  CheckpointsConfig,
  KeyLimitsConfig,
  MarketplaceConfig,
  TelemetryConfig,
  TerminalsConfig,
  WebhookConfig,
} from './config-sections.js';

/** Where the server listens. Comes from the command line. */
export interface ListenAddress {
  host: string;
  /** 0: any free port. */
  port: number;
  /** The host was given explicitly, so requests from other machines are intended. */
  hostGiven: boolean;
}

/**
 * The server's configuration, complete and valid. Field names are those of the configuration file and, in
 * upper case after `OH_`, of the environment. Paths are as configured; `paths` has them absolute.
 */
export class AppConfig extends ContainersConfig {
  @TextList('Keys that are accepted from clients. Without a key the server is open.', { secret: true })
  session_api_keys: string[] = [];
  @Flag(
    'Whether clients need a key even if no session key is configured: a named one, the first of which the command line makes.',
  )
  require_keys: boolean = false;
  @Text('Key that encrypts stored secrets.', { nullable: true, secret: true })
  secret_key: string | null = null;
  @TextList('Previous secret keys, which still decrypt.', { secret: true })
  previous_secret_keys: string[] = [];
  @TextList('Origins whose pages may call the server, besides localhost.')
  allow_cors_origins: string[] = [];
  @Pattern('Pattern of further origins whose pages may call the server.', { nullable: true })
  allow_cors_origin_regex: string | null = null;
  @Text('Folder of the conversations.')
  conversations_path: string = 'workspace/conversations';
  @Text('Default working directory of agents.')
  workspace_path: string = 'workspace/project';
  @Text('Folder of the git worktrees of conversations.')
  conversation_worktree_root: string = '/tmp/conversation-worktrees';
  @TextList(
    'Filter drivers (`lfs`) of the git configuration of the server that run when a worktree is created.',
  )
  git_filters: string[] = [];
  @Text('Folder of the events of the bash routes.')
  bash_events_dir: string = 'workspace/bash_events';
  @Whole(
    'Seconds that events of the bash routes are kept; null: without limit.',
    { above: 0 },
    { nullable: true },
  )
  bash_events_retention_seconds: number | null = null;
  @Whole('Maximum number of kept events of the bash routes, also per conversation. The oldest are removed.', {
    min: 2,
  })
  bash_events_max_count: number = 10_000;
  @Whole('Maximum bytes of kept events of the bash routes.', { min: 1 })
  bash_events_max_bytes: number = 256 * 1024 * 1024;
  @Whole('Maximum characters of output that are recorded of one command of the bash routes.', { min: 1 })
  bash_output_limit_chars: number = 32 * 1024 * 1024;
  @Text('Folder that the file and git routes are restricted to; null: no restriction.', {
    nullable: true,
  })
  file_root: string | null = null;
  @Whole('Maximum bytes of an uploaded file; null: no limit.', { min: 0 }, { nullable: true })
  max_upload_bytes: number | null = null;
  @Text('Folder served under /static, to which / redirects. Ignored if it does not exist.', {
    nullable: true,
  })
  static_files_path: string | null = null;
  @Text(
    'Folder of a built web UI, served at / (also --ui). If it is not set, the one that `npm run ui` has fetched; null: ' +
      'none (also --no-ui).',
    { nullable: true },
  )
  ui_path: string | null = null;
  @Flag(
    'Whether HTML pages in workspaces run with the origin of the server, as in the original. They can then read what ' +
      'the server shows to browsers and, without a session key, send any request.',
  )
  trust_workspace_pages: boolean = false;
  @Flag(
    'Whether the page of the web UI contains the session key, so that everybody who opens it has the key.',
  )
  ui_give_key: boolean = false;
  @NameList(
    'Additional environment variables that are passed to shells and programs of agents, such as `CI,AWS_*`.',
  )
  shell_environment: string[] = [];
  @Choice(
    'How programs of agents and clients are confined (docs/isolation.md); null: `guarded` where bubblewrap works.',
    ['off', 'guarded', 'workspace'],
    { nullable: true },
  )
  sandbox: string | null = null;
  @Flag('Whether the server refuses to start where `sandbox` does not work (null: `guarded`).')
  sandbox_required: boolean = false;
  @TextList(
    'Files and folders that programs may also change with `sandbox: workspace`; `~` is the home folder.',
  )
  sandbox_writable: string[] = [];
  @TextList('Files and folders of the home folder that programs may read with `sandbox: workspace`.')
  sandbox_readable: string[] = [];
  @Custom(
    'Network of programs with `sandbox: workspace`: `on`, `off`, or the hosts that a proxy lets through.',
    '"on", "off" or a list of host names',
    isSandboxNetwork,
  )
  sandbox_network: string | string[] = 'on';
  @Whole(
    'Maximum megabytes of memory of a conversation, or of each process (docs/isolation.md); null: no limit.',
    { min: 64 },
    { nullable: true },
  )
  sandbox_memory_mb: number | null = null;
  @Whole(
    'Maximum number of processes of a conversation, or of the user (docs/isolation.md); null: no limit.',
    { min: 16 },
    { nullable: true },
  )
  sandbox_processes: number | null = null;
  @Whole('Maximum number of open files of a process; null: no limit.', { min: 64 }, { nullable: true })
  sandbox_open_files: number | null = null;
  @Text(
    'Folder with a folder for each key whose reach is `own`: its conversations work there and nowhere else.',
  )
  key_workspaces_path: string = 'workspace/keys';
  @Choice(
    'How strictly the conversations of such keys are confined at least. Where it does not work, they are refused.',
    ['off', 'guarded', 'workspace'],
  )
  own_keys_sandbox: string = 'workspace';
  @TextList('Names of the LLM profiles that such keys may use. Other models need a key in their requests.')
  own_keys_llm_profiles: string[] = [];
  @SectionList('Webhooks that receive events.', WebhookConfig)
  webhooks: WebhookConfig[] = [];
  @Flag('Whether to offer VS Code in the browser.')
  enable_vscode: boolean = true;
  @Text('Folder of OpenVSCode Server, which contains `bin/openvscode-server`.')
  vscode_path: string = '/openhands/.openvscode-server';
  @Whole('Port of VS Code.', { min: 1, max: 65535 })
  vscode_port: number = 8001;
  @Text('Base path of VS Code behind a proxy.', { nullable: true })
  vscode_base_path: string | null = null;
  @Flag(
    'Whether to load terminal and search when the server starts instead of with the first conversation. The browser is loaded ' +
      'with its first use.',
  )
  preload_tools: boolean = true;
  @Whole('Maximum number of conversations that run at the same time.', { min: 1 })
  max_concurrent_runs: number = 10;
  @Choice(
    'What happens to a run beyond that, or beyond the `concurrent_runs` of its key: the request is answered with ' +
      '429, or the run waits for its turn. Requests say it with `on_limit`; this is the default.',
    ['refuse', 'wait'],
  )
  on_run_limit: 'refuse' | 'wait' = 'refuse';
  @Whole('Maximum number of runs that wait for a free slot.', { min: 1, max: 10_000 })
  max_queued_runs: number = 1_000;
  @Decimal(
    'Maximum seconds that a request under /v1 waits for an answer that is not streamed; null: no limit. A message to /a2a ' +
      'is answered after that time with its task as it is.',
    { above: 0 },
    { nullable: true },
  )
  gateway_timeout_seconds: number | null = 120;
  @Decimal('Seconds without output after which a stream under /v1 or of /a2a sends a keep-alive.', {
    above: 0,
  })
  gateway_keep_alive_seconds: number = 15;
  @Flag('Whether other agents can use the server as an MCP server, at `/mcp`.')
  mcp_server: boolean = true;
  @Flag('Whether other agents can give tasks to the server (Agent2Agent protocol), at `/a2a`.')
  a2a: boolean = true;
  @Flag('Whether runs that a crash interrupted are resumed at the next start.')
  resume_on_start: boolean = false;
  @Whole(
    'Maximum bytes of request bodies and socket frames over 64 KiB that are processed at the same time. Further requests ' +
      'are answered with 503.',
    { min: 32 * 1024 * 1024 },
  )
  max_body_bytes_in_flight: number = 128 * 1024 * 1024;
  @Whole(
    'Maximum number of wrong keys per minute from one address. Further keys from it are answered with 429 until the ' +
      'minute is over, valid ones too unless the address has used it already. 0: no limit.',
    { min: 0 },
  )
  max_failed_keys_per_minute: number = 30;
  @Whole('Maximum number of sockets per conversation.', { min: 1 })
  max_socket_subscribers: number = 1000;
  @Url('Public URL of the server.', { nullable: true })
  web_url: string | null = null;
  @Url('Public URL of the back ends of canvas extensions. Nothing else is served there.', {
    nullable: true,
  })
  app_backend_public_url: string | null = null;
  @Flag('Whether to trust `X-Forwarded-*` headers.')
  trust_forwarded_headers: boolean = false;
  @Section('Terminals that people open.', TerminalsConfig)
  terminals: TerminalsConfig = new TerminalsConfig();
  @Flag('Whether to offer the browser tools.')
  enable_browser: boolean = true;
  @Decimal(
    'Maximum share of their file system that conversations may use: beyond it the oldest that have ended are removed; ' +
      'null: all of it.',
    { above: 0, below: 1 },
    { nullable: true },
  )
  conversation_storage_disk_budget: number | null = null;
  @Decimal(
    'Days without a change after which a conversation is removed; null: never.',
    { above: 0 },
    { nullable: true },
  )
  conversation_storage_retention_days: number | null = null;
  @Decimal('Seconds between two looks at what these two rules remove.', { above: 0 })
  conversation_storage_sweep_seconds: number = 300;
  @Decimal('Seconds for which these rules leave a conversation alone after its last change or use.', {
    min: 0,
  })
  conversation_storage_keep_seconds: number = 600;
  @Choice(
    'Who provides the skills of ACP agents: `native` the agents themselves, `openhands_managed` the server, which gives them ' +
      'those of the request, of the user and of marketplaces.',
    ['native', 'openhands_managed'],
  )
  acp_skill_sourcing: string = 'native';
  @Text(
    'Base URL of the repositories of `github:owner/repository`: any URL that git supports, also `file://`.',
  )
  github_url: string = 'https://github.com';
  @SectionList('Marketplaces that skills can be loaded from.', MarketplaceConfig)
  registered_marketplaces: MarketplaceConfig[] = [];
  @Flag('Whether to wait for POST /api/init before serving.')
  deferred_init: boolean = false;
  @Decimal(
    'Seconds after which another server may take over the conversations of one that has stopped; 0: no leases.',
    {
      min: 0,
    },
  )
  lease_ttl_seconds: number = 45;
  @Decimal(
    'Seconds after which an idle conversation is closed; null: never.',
    { above: 0 },
    { nullable: true },
  )
  conversation_idle_ttl_seconds: number | null = 1200;
  @Text(
    'URL of the PostgreSQL database that stores conversations and settings instead of files, such as ' +
      '`postgres://user:password@host/database`. Several servers may share it.',
    { nullable: true, secret: true },
  )
  database_url: string | null = null;
  @Text('File with the certificates of the authorities that the database is trusted by, in PEM.', {
    nullable: true,
  })
  database_ca_file: string | null = null;
  @Whole('Maximum number of connections to the database.', { min: 4 })
  database_pool_size: number = 10;
  @Decimal('Maximum seconds that a statement, or the wait for a connection to the database, takes.', {
    above: 0,
  })
  database_timeout_seconds: number = 5;
  @Decimal(
    'Seconds after which other servers take over the conversations of one that no longer reaches the database.',
    { min: 1 },
  )
  server_lease_seconds: number = 10;
  @HostUrl('URL at which the other servers of the database reach this one.', { nullable: true })
  server_url: string | null = null;
  @Text('Key with which servers of one database authenticate to each other; null: made from `secret_key`.', {
    nullable: true,
    secret: true,
  })
  cluster_key: string | null = null;
  @Flag(
    'Whether servers of the database that have not signed their address are trusted: during an update only.',
  )
  accept_unsigned_servers: boolean = false;
  @Flag('Whether all servers of the database see the same workspaces, such as on a shared volume.')
  workspaces_shared: boolean = false;
  @Section('Limits of named keys that have none of their own.', KeyLimitsConfig)
  key_limits: KeyLimitsConfig = new KeyLimitsConfig();
  @Section('What models may cost, all conversations together.', BudgetsConfig)
  budgets: BudgetsConfig = new BudgetsConfig();
  @Section('What files were before each step of an agent.', CheckpointsConfig)
  checkpoints: CheckpointsConfig = new CheckpointsConfig();
  @Whole(
    'Maximum number of runs of automations that this server works on at the same time; further ones wait.',
    {
      min: 1,
    },
  )
  max_automation_runs: number = 4;
  @Whole('Maximum number of automations.', { min: 0 })
  max_automations: number = 1_000;
  @Whole('Maximum number of automations of a named key.', { min: 0 })
  max_automations_per_key: number = 100;
  @Whole('Seconds after which a run of an automation that names no limit is stopped.', { min: 1 })
  automation_timeout_seconds: number = 600;
  @Whole('Highest limit in seconds that an automation may name for its runs.', { min: 1 })
  automation_max_timeout_seconds: number = 1_800;
  @Whole('Maximum megabytes of the audit log. The oldest entries are removed.', { min: 1 })
  audit_max_mb: number = 256;
  @Whole('Days that entries of the audit log are kept.', { min: 1, max: 36_500 })
  audit_keep_days: number = 90;
  @Flag(
    'Whether operations that change something are refused with 503 while the audit log cannot be written. Otherwise they ' +
      'go on; the log and the metrics say so.',
  )
  audit_required: boolean = false;
  @Section('Usage reports.', TelemetryConfig)
  telemetry: TelemetryConfig = new TelemetryConfig();

  /** Relative paths are resolved against this folder: the current one at start. */
  base_dir: string = process.cwd();
  listen: ListenAddress = { host: '0.0.0.0', port: 8000, hostGiven: false };
  origin = new ConfigOrigin();
  /** Files that hold keys or this configuration (absolute paths): programs of agents must not read them. */
  secretFiles: readonly string[] = [];

  /** The configured folders as absolute paths. */
  get paths(): ConfiguredPaths {
    return configuredPaths(this);
  }
}

function isSandboxNetwork(value: unknown): boolean {
  if (typeof value === 'string') return value === 'on' || value === 'off';
  return Array.isArray(value) && value.every((host) => typeof host === 'string' && host.trim() !== '');
}
