import type { JsonSchema } from '../http/index.js';

/** The answer of `/health` and `/alive`. */
export interface HealthStatus {
  status: 'ok';
}

/** The answer of `/ready`. */
export interface ReadyStatus {
  status: 'ready' | 'initializing';
  /** Why the server is not ready. */
  message?: string;
}

/** The answer of `/server_info`. */
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
  /** Event loop delay in the last one to two minutes with work; null before the first sample. */
  event_loop_delay: { p50_ms: number; p99_ms: number; max_ms: number } | null;
}

/** The schema of `HealthStatus`. */
export const HEALTH_STATUS: JsonSchema = object({ status: { type: 'string', enum: ['ok'] } });

/** The schema of `ReadyStatus`. */
export const READY_STATUS: JsonSchema = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['ready', 'initializing'] },
    message: { type: 'string', description: 'Why the server is not ready.' },
  },
  required: ['status'],
};

/** The schema of `ServerInfo`. */
export const SERVER_INFO: JsonSchema = object({
  uptime: { type: 'number', description: 'Seconds since the start.' },
  idle_time: { type: 'number', description: 'Seconds since the last activity in a conversation.' },
  title: { type: 'string' },
  version: { type: 'string', description: 'Version of the API. Clients enable features by it.' },
  sdk_version: { type: 'string' },
  tools_version: { type: 'string' },
  workspace_version: { type: 'string' },
  implementation: { type: 'string', description: 'Name and version of this server.' },
  build_git_sha: { type: 'string' },
  build_git_ref: { type: 'string' },
  python_version: { type: 'string', description: 'Names the Node.js runtime instead of a Python version.' },
  usable_tools: list('Names of the available tools.'),
  runtime_idle_timeout_seconds: {
    type: ['number', 'null'],
    description:
      'The value of `OH_RUNTIME_IDLE_TIMEOUT_SECONDS`: idle time after which the machine is stopped.',
  },
  conversation_runtime: { type: 'string', enum: ['local', 'docker'] },
  available_conversation_runtimes: { type: 'array', items: { type: 'string', enum: ['local', 'docker'] } },
  capabilities: list('Supported features.'),
  app_backend_ingress_url: { type: ['string', 'null'] },
  max_foreground_terminal_timeout_seconds: {
    type: ['number', 'null'],
    description: 'Longest `timeout` of a terminal command: 90 % of the idle timeout.',
  },
  docs: { type: 'string' },
  redoc: { type: 'string' },
  runs: object({
    running: { type: 'integer', description: 'Active runs.' },
    limit: { type: 'integer', description: 'Maximum of concurrent runs; further ones are refused with 429.' },
    refused: { type: 'integer', description: 'Runs refused since the start.' },
  }),
  event_loop_delay: {
    description:
      'Event loop delay in the last one to two minutes with work: how long requests waited for their turn.',
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
