import type { IncomingHttpHeaders } from 'node:http';
import type { nextTurn } from '../../src/llm/scripted/player.js';

/** One answer of the endpoint. Without any field: an answer with nothing in it. */
export interface EndpointStep {
  say?: string | null;
  reasoning?: string;
  /** Names and arguments; arguments that are a string go out as they are. */
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
  /** Bytes as they stand; `type` is their media type. */
  raw?: string;
  /** What the connection does behind them. */
  then?: 'end' | 'break' | 'hang';
  headers?: Record<string, string>;
  /** Seconds before the answer. */
  wait?: number;
  /** Never answers. */
  hang?: boolean;
  /** The connection breaks before the chunk of this number. */
  breakAfter?: number;
  /** Nothing more comes from the chunk of this number on. */
  stallAfter?: number;
  /** Answers like this for ever. */
  repeat?: boolean;
}

export interface EndpointRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown> & { messages: Record<string, unknown>[] };
}

export interface ChatEndpoint {
  /** Ends in `/v1`: what `base_url` wants. */
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
