import type { IncomingHttpHeaders } from 'node:http';
import type { nextTurn } from '../../src/llm/scripted/player.js';

/** One answer of the endpoint. Without any field: an empty answer. */
export interface EndpointStep {
  say?: string | null;
  reasoning?: string;
  /** Names and arguments; a string is sent as the arguments without encoding. */
  tools?: [name: string, args: unknown][];
  /** An error, with `message`, `code` and `type` in OpenAI's shape. */
  status?: number;
  message?: string;
  code?: string;
  type?: string;
  /** The whole body of the answer, whatever the protocol. */
  body?: unknown;
  /** The events of a stream, whatever the protocol. */
  sse?: Record<string, unknown>[];
  /** A raw body; `type` is its media type. */
  raw?: string;
  /** What happens to the connection after it. */
  then?: 'end' | 'break' | 'hang';
  headers?: Record<string, string>;
  /** Seconds before the answer. */
  wait?: number;
  /** Answers once this is resolved. */
  until?: Promise<unknown>;
  /** Never answers. */
  hang?: boolean;
  /** The connection breaks before the chunk of this number. */
  breakAfter?: number;
  /** Nothing is sent from the chunk of this number on. */
  stallAfter?: number;
  /** Gives this answer to all further requests. */
  repeat?: boolean;
}

export interface EndpointRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown> & { messages: Record<string, unknown>[] };
}

export interface ChatEndpoint {
  /** The address with `/v1`, as `base_url` needs it. */
  url: string;
  requests: EndpointRequest[];
  /** Adds steps. */
  script(steps: EndpointStep[]): void;
  close(): Promise<void>;
}

export interface ChatEndpointOptions {
  player: { nextTurn: typeof nextTurn };
  script?: readonly EndpointStep[];
  host?: string;
  port?: number;
  /** Milliseconds between the chunks of a stream. */
  chunkDelay?: number;
}

export function startChatEndpoint(options: ChatEndpointOptions): Promise<ChatEndpoint>;
