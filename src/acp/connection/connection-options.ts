import type {
  McpServer,
  RequestPermissionRequest,
  RequestPermissionResponse,
} from '@agentclientprotocol/sdk';
import type { JsonObject } from '../../json/index.js';
import type { ClientFiles } from '../client/client-files.js';
import type { ClientTerminals } from '../client/client-terminals.js';

/** What a session begins with. */
export interface SessionRequest {
  /** Absolute path. */
  cwd: string;
  mcpServers: McpServer[];
  /** An earlier session that is to go on, if the agent still has it. */
  resume: string | undefined;
  model: string | null;
  mode: string | null;
}

/** How long an agent may take. */
export interface ConnectionLimits {
  /** Until it has a session (ms). */
  startMs: number;
  /** Until it has read what it is told (ms); then it is ended. */
  readMs: number;
  /** Ends the start. */
  signal: AbortSignal;
}

/** What the agent gets from us, and who hears of it. */
export interface ConnectionHost {
  readonly files: ClientFiles;
  readonly terminals: ClientTerminals;
  /** @param size of the news (characters) */
  onUpdate(sessionId: string, update: JsonObject, size: number): void;
  onPermission(request: RequestPermissionRequest): Promise<RequestPermissionResponse>;
  room(): Promise<void>;
  /** What is of interest to who looks for a fault. */
  debug(text: string): void;
  warn(text: string): void;
}
