import { type JsonSchema, objectSchema } from '../../http/index.js';
import type { ServerRecord } from '../../storage/index.js';

/** A live server, as clients see it. */
interface ListedServer {
  id: string;
  is_self: boolean;
  url: string | null;
  host: string;
  version: string;
  started_at: string;
  lease_until: string | null;
  conversations: number;
  running: number;
  max_running: number;
}

/** The answer of `GET /api/servers`. */
export interface ServersAnswer {
  storage: 'files' | 'postgresql';
  workspaces_shared: boolean;
  servers: ListedServer[];
}

/** The part of `/server_info` about the servers of a database. It needs no key, so it names no addresses. */
export interface ClusterInfo {
  server_id: string;
  /** Null: the database does not answer. */
  servers: Pick<ListedServer, 'id' | 'conversations' | 'running' | 'max_running'>[] | null;
}

export function toListed({
  isSelf,
  startedAt,
  leaseUntil,
  maxRunning,
  ...server
}: ServerRecord): ListedServer {
  const { id, url, host, version, conversations, running } = server;
  return {
    id,
    is_self: isSelf,
    url,
    host,
    version,
    started_at: startedAt,
    lease_until: leaseUntil,
    conversations,
    running,
    max_running: maxRunning,
  };
}

const text: JsonSchema = { type: 'string' };
const integer: JsonSchema = { type: 'integer' };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const time: JsonSchema = { type: 'string', format: 'date-time' };

const ID = 'Id of the server; it differs for each start of a process.';
const CONVERSATIONS = 'Conversations that it has: their requests and sockets are served by it.';
const RUNNING = 'Active runs of agents on it.';
const MAX_RUNNING = 'Maximum of concurrent runs on it (`max_concurrent_runs`).';

/** The schema of `ServersAnswer`. */
export const SERVERS_ANSWER: JsonSchema = objectSchema({
  storage: [
    { type: 'string', enum: ['files', 'postgresql'] },
    'Where conversations are stored. Servers that share files are not listed.',
  ],
  workspaces_shared: [
    { type: 'boolean' },
    'Whether all servers see the same workspaces (`workspaces_shared`). If not, a conversation runs only on the host of its workspace.',
  ],
  servers: [
    {
      type: 'array',
      items: objectSchema({
        id: [text, ID],
        is_self: [{ type: 'boolean' }, 'The server that answers.'],
        url: [orNull(text), 'Where the other servers reach it (`server_url`); null if they cannot.'],
        host: [
          text,
          'Name of its host, which has the workspaces of the conversations that were created on it.',
        ],
        version: [text, 'Version of this server.'],
        started_at: [time, 'When it has started.'],
        lease_until: [
          orNull(time),
          'When others take over its conversations, unless it renews its lease before; null for files.',
        ],
        conversations: [integer, CONVERSATIONS],
        running: [integer, RUNNING],
        max_running: [integer, MAX_RUNNING],
      }),
    },
    'The live servers, the oldest first, at most 100.',
  ],
});

/** The schema of `ClusterInfo`. */
export const CLUSTER_INFO: JsonSchema = objectSchema({
  server_id: [text, ID],
  servers: [
    orNull({
      type: 'array',
      items: objectSchema({
        id: [text, ID],
        conversations: [integer, CONVERSATIONS],
        running: [integer, RUNNING],
        max_running: [integer, MAX_RUNNING],
      }),
    }),
    'The live servers, the oldest first, at most 100; null while the database does not answer. `GET /api/servers` says more.',
  ],
});
