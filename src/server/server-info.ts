import type { JsonSchema } from '../http/index.js';

/** The process is alive. */
export interface HealthStatus {
  status: 'ok';
}

/** Whether the server takes work. */
export interface ReadyStatus {
  status: 'ready' | 'initializing';
  /** Why not. */
  message?: string;
}

/** What the server is and can do. */
export interface ServerInfo {
  uptime: number;
  idle_time: number;
  title: string;
  version: string;
  sdk_version: string;
  tools_version: string;
  workspace_version: string;
  implementation: string;
  build_git_sha: string;
  build_git_ref: string;
  python_version: string;
  usable_tools: string[];
  runtime_idle_timeout_seconds: number | null;
  conversation_runtime: 'local' | 'docker';
  available_conversation_runtimes: ('local' | 'docker')[];
  capabilities: string[];
  app_backend_ingress_url: string | null;
  max_foreground_terminal_timeout_seconds: number | null;
  docs: string;
  redoc: string;
  /** Runs of agents. */
  runs: { running: number; limit: number; refused: number };
  /** How late the event loop was in the last minute or two with work (ms); null: not known yet. */
  event_loop_delay: { p50_ms: number; p99_ms: number; max_ms: number } | null;
}

/** What `/health` answers. */
export const HEALTH_STATUS: JsonSchema = object({ status: { type: 'string', enum: ['ok'] } });

/** What `/ready` answers. */
export const READY_STATUS: JsonSchema = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['ready', 'initializing'] },
    message: { type: 'string', description: 'Why not.' },
  },
  required: ['status'],
};

/** What `/server_info` answers. */
export const SERVER_INFO: JsonSchema = object({
  uptime: { type: 'number', description: 'Seconds since the start.' },
  idle_time: { type: 'number', description: 'Seconds since something happened in a conversation.' },
  title: { type: 'string' },
  version: { type: 'string', description: 'Version of the API, by which clients switch features on.' },
  sdk_version: { type: 'string' },
  tools_version: { type: 'string' },
  workspace_version: { type: 'string' },
  implementation: { type: 'string', description: 'Name and version of this server.' },
  build_git_sha: { type: 'string' },
  build_git_ref: { type: 'string' },
  python_version: { type: 'string', description: 'There is no Python here; names the runtime instead.' },
  usable_tools: list('Names of the tools that an agent can be given.'),
  runtime_idle_timeout_seconds: {
    type: ['number', 'null'],
    description: 'What `OH_RUNTIME_IDLE_TIMEOUT_SECONDS` says: the machine goes after so long without work.',
  },
  conversation_runtime: { type: 'string', enum: ['local', 'docker'] },
  available_conversation_runtimes: { type: 'array', items: { type: 'string', enum: ['local', 'docker'] } },
  capabilities: list('Features that clients may rely on.'),
  app_backend_ingress_url: { type: ['string', 'null'] },
  max_foreground_terminal_timeout_seconds: {
    type: ['number', 'null'],
    description: 'Longest `timeout` of a terminal command: 90 % of the idle time.',
  },
  docs: { type: 'string' },
  redoc: { type: 'string' },
  runs: object({
    running: { type: 'integer', description: 'How many are going on.' },
    limit: { type: 'integer', description: 'How many may; more are refused with 429.' },
    refused: { type: 'integer', description: 'How many were refused since the start.' },
  }),
  event_loop_delay: {
    description:
      'How late the event loop was in the last minute or two with work: what every request waited for its turn.',
    anyOf: [
      object({ p50_ms: { type: 'number' }, p99_ms: { type: 'number' }, max_ms: { type: 'number' } }),
      { type: 'null' },
    ],
  },
} satisfies Record<keyof ServerInfo, JsonSchema>);

function object(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}

function list(description: string): JsonSchema {
  return { type: 'array', items: { type: 'string' }, description };
}
