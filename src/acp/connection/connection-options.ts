import type {
  McpServer,
  RequestPermissionRequest,
  RequestPermissionResponse,
} from '@agentclientprotocol/sdk';
import type { JsonObject } from '../../json/index.js';
import type { ClientFiles } from '../client/client-files.js';
import type { ClientTerminals } from '../client/client-terminals.js';

/** Parameters of a session. */
export interface SessionRequest {
  /** Absolute path. */
  cwd: string;
  mcpServers: McpServer[];
  /** An earlier session to resume, if the agent still has it. */
  resume: string | undefined;
  model: string | null;
  mode: string | null;
}

/** Timeouts of a connection. */
export interface ConnectionTimeouts {
  /** Until the session is open (ms). */
  startMs: number;
  /** Until the agent has read a message (ms); after that the connection fails. */
  readMs: number;
  /** Aborts the start. */
  signal: AbortSignal;
}

/** What the server provides to the agent, and who receives its updates. */
export interface ConnectionHost {
  readonly files: ClientFiles;
  readonly terminals: ClientTerminals;
  /** @param size of the update (characters) */
  onUpdate(sessionId: string, update: JsonObject, size: number): void;
  onPermission(request: RequestPermissionRequest): Promise<RequestPermissionResponse>;
  waitForRoom(): Promise<void>;
  /** Logs details for debugging. */
  debug(text: string): void;
  warn(text: string): void;
}
