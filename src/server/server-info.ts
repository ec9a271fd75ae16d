import type { QueuePlace } from '../conversations/index.js';
import { type DescribedField, type JsonSchema, objectSchema } from '../http/index.js';
import type { JsonObject } from '../json/index.js';
import type { SandboxStatus } from '../sandbox/index.js';
import type { ContainersInfo } from './conversation-runtime.js';
import { CLUSTER_INFO, type ClusterInfo } from './servers/servers-answer.js';

/** The answer of `/health` and `/alive`. */
export interface HealthStatus {
  status: 'ok';
}

/** The answer of `/ready`. */
export interface ReadyStatus {
  status: 'ready' | 'initializing' | 'unavailable';
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
  runs: {
    running: number;
    limit: number;
    refused: number;
    queued: number;
    max_queued: number;
    next: Omit<QueuePlace, 'conversation_id'>[];
  };
  /** Event loop delay in the last one to two minutes with work; null before the first sample. */
  event_loop_delay: { p50_ms: number; p99_ms: number; max_ms: number } | null;
  /** What confines programs of agents; null while the server waits for its configuration. */
  sandbox: SandboxStatus | null;
  /** The servers of a database; null with files as storage. */
  cluster: ClusterInfo | null;
  /** Conversations in containers; null where none are configured. */
  containers: ContainersInfo | null;
  /** What agents can reach on the machine of this server; null where they are not on it. */
  runtime_services: JsonObject | null;
}

const text: JsonSchema = { type: 'string' };
const texts: JsonSchema = { type: 'array', items: text };
const integer: JsonSchema = { type: 'integer' };
const milliseconds: JsonSchema = { type: 'number' };
const mode: JsonSchema = { type: 'string', enum: ['off', 'guarded', 'workspace'] };
const runtime: JsonSchema = { type: 'string', enum: ['local', 'docker'] };

/** A run that waits, for readers without a key. */
const QUEUED: JsonSchema = objectSchema({
  place: [integer, '1 for the run that starts next.'],
  priority: [integer, 'A higher number starts before others of the same key.'],
  queued_at: [{ type: 'string', format: 'date-time' }, 'Since when it waits, as its request was told.'],
  waits_for: [
    { type: 'string', enum: ['server', 'key'] },
    'What has to end first: any run of the server, or another run of the same key.',
  ],
});

/** The schema of `HealthStatus`. */
export const HEALTH_STATUS: JsonSchema = objectSchema({
  status: [{ type: 'string', enum: ['ok'] }, 'Always `ok`: a process that answers is alive.'],
});

/** The schema of `ReadyStatus`. */
export const READY_STATUS: JsonSchema = objectSchema({
  status: [
    { type: 'string', enum: ['ready', 'initializing', 'unavailable'] },
    '`ready`: the server accepts work. `initializing`: it is still starting, or is shutting down. `unavailable`: it ' +
      'cannot reach its database; it recovers by itself.',
  ],
  'message?': [text, 'Why the server is not ready; absent if it is.'],
});

/** The schema of `ServerInfo`. */
export const SERVER_INFO: JsonSchema = objectSchema({
  uptime: [{ type: 'number' }, 'Seconds since the start.'],
  idle_time: [{ type: 'number' }, 'Seconds since the last activity in a conversation.'],
  title: [text, 'Name of the API, the same as that of the Python server.'],
  version: [text, 'Version of the API. Clients enable features by it.'],
  sdk_version: [text, 'Version of the OpenHands SDK that the answers correspond to; equals `version`.'],
  tools_version: [text, 'Version of the OpenHands tools that this server corresponds to; equals `version`.'],
  workspace_version: [
    text,
    'Version of the OpenHands workspace package that this server corresponds to; equals `version`.',
  ],
  implementation: [text, 'Name and version of this server.'],
  build_git_sha: [
    text,
    'Commit that the server was built from, as in `OPENHANDS_BUILD_GIT_SHA`; `unknown` without that variable.',
  ],
  build_git_ref: [
    text,
    'Branch or tag that the server was built from, as in `OPENHANDS_BUILD_GIT_REF`; `unknown` without that variable.',
  ],
  python_version: [text, 'Names the Node.js runtime instead of a Python version.'],
  usable_tools: [texts, 'Names of the available tools.'],
  runtime_idle_timeout_seconds: [
    { type: ['number', 'null'] },
    'The value of `OH_RUNTIME_IDLE_TIMEOUT_SECONDS`: idle time after which the machine is stopped. Null without a limit.',
  ],
  conversation_runtime: [
    runtime,
    'Where conversations execute commands. This server answers `local`: on its own machine.',
  ],
  available_conversation_runtimes: [
    { type: 'array', items: runtime },
    'Other runtimes that a conversation can ask for. Empty on this server.',
  ],
  capabilities: [texts, 'Supported features, by the names that clients check before they use one.'],
  app_backend_ingress_url: [
    { type: ['string', 'null'] },
    'Public URL at which browsers reach back ends of canvas extensions; null if none is configured.',
  ],
  max_foreground_terminal_timeout_seconds: [
    { type: ['number', 'null'] },
    'Longest `timeout` of a terminal command in seconds: 90 % of the idle timeout. Null without an idle timeout.',
  ],
  docs: [text, 'Path of the page that shows this API.'],
  redoc: [text, 'Path that redirects to `docs`, for clients of the Python server.'],
  runs: [
    objectSchema({
      running: [integer, 'Active runs.'],
      limit: [integer, 'Maximum of concurrent runs; further ones wait or are refused with 429.'],
      refused: [integer, 'Runs refused since the start.'],
      queued: [integer, 'Runs that wait for a free slot.'],
      max_queued: [integer, 'Maximum of runs that wait; further ones are refused with 429.'],
      next: [
        { type: 'array', items: QUEUED },
        'The runs that start next, at most 20. Whose they are is listed by `/api/run_queue`, which needs a key.',
      ],
    }),
    'Runs of agents on this server.',
  ],
  event_loop_delay: [
    {
      anyOf: [
        objectSchema({
          p50_ms: [milliseconds, 'Median of the samples in milliseconds.'],
          p99_ms: [milliseconds, '99th percentile of the samples in milliseconds.'],
          max_ms: [milliseconds, 'Longest sample in milliseconds.'],
        }),
        { type: 'null' },
      ],
    },
    'Event loop delay in the last one to two minutes with work: how long requests waited for their turn. Null before the first sample.',
  ],
  sandbox: [
    {
      anyOf: [
        objectSchema({
          mode: [mode, 'Mode of the server. A conversation may ask for a stricter one.'],
          by: [{ type: ['string', 'null'] }, 'What enforces it; null with the mode `off`.'],
          limits: [
            { type: ['string', 'null'], enum: ['cgroup', 'prlimit', null] },
            'What enforces limits of memory, processes and open files; null without limits.',
          ],
          available: [{ type: 'array', items: mode }, 'Modes that work on this server.'],
          reason: [{ type: ['string', 'null'] }, 'Why there is no sandbox; null if there is nothing to say.'],
        }),
        { type: 'null' },
      ],
    },
    'What confines programs of agents and clients; null while the server waits for its configuration.',
  ],
  cluster: [
    { anyOf: [CLUSTER_INFO, { type: 'null' }] },
    'The servers that share a database; null with files as storage.',
  ],
  runtime_services: [
    { type: ['object', 'null'], additionalProperties: true },
    'What agents can reach on the machine of this server, for the prompts of the web UI: `services` by name, each with ' +
      '`url_from_agent`. Null where agents are not on it.',
  ],
  containers: [
    {
      anyOf: [
        objectSchema({
          available: [{ type: 'boolean' }, 'Whether the container engine answers.'],
          reason: [{ type: ['string', 'null'] }, 'Why the engine does not answer; null if it does.'],
          running: [integer, 'Containers of conversations that run.'],
        }),
        { type: 'null' },
      ],
    },
    'The containers of conversations; null if conversations run on the machine of the server only.',
  ],
} satisfies Record<keyof ServerInfo, DescribedField>);
