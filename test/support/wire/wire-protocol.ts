import type { IncomingHttpHeaders } from 'node:http';

/** Any JSON object. */
export type Json = Record<string, unknown>;

/** One answer of a model, independent of the protocol. */
export interface Turn {
  text?: string;
  reasoning?: string;
  calls?: WireCall[];
  /** The stop reason in terms of chat completions; the default is `tool_calls` or `stop`. */
  stop?: 'stop' | 'tool_calls' | 'length' | 'content_filter';
  /** Fields of one protocol, added to the answer or to its first and last chunk. */
  extra?: Json;
  /** Answers with this status and the body. */
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Never answers. */
  hang?: boolean;
  /** Stops a stream after this many frames without ending it. */
  stallAfter?: number;
  /** Breaks the connection after this many frames of a stream. */
  breakAfter?: number;
  /** Ends a stream after this many frames, as if it were complete. */
  endAfter?: number;
  /** The frames of a stream, in place of those that the protocol would make. */
  frames?: string[];
}

/** A tool call. The default `id` consists of the number of the request and the position of the call. */
interface WireCall {
  id?: string;
  name: string;
  /** An object, or a string that is sent without encoding. */
  arguments: unknown;
}

/** A received request. */
export interface WireRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Json;
  /** The raw body, which signatures cover. */
  text: string;
}

/** The answer to a refused request. */
export interface Refusal {
  status: number;
  body: Json;
  headers?: Record<string, string>;
}

/** The input for an answer. */
export interface Answering {
  turn: Turn;
  request: WireRequest;
  /** The number of the request, from 1: ids and token counts follow it. */
  number: number;
}

/** The body of a streamed answer. */
interface WireStream {
  contentType: string;
  /** The writes of the provider; the network may divide them anywhere. */
  frames: (string | Uint8Array)[];
}

/** The exact format of a provider's answers, from its public documentation. */
export interface WireProtocol {
  /** Whether the request asks for a stream. */
  streams(request: WireRequest): boolean;
  /** The answer to a request that breaks the provider's rules; undefined if it is valid. */
  refuse?(request: WireRequest): Refusal | undefined;
  /** The JSON of an answer that is not streamed. */
  whole(answering: Answering): unknown;
  stream(answering: Answering): WireStream;
}

/** The calls of a turn with their ids and their arguments as text. */
export function numberedCalls({ turn, number }: Answering): { id: string; name: string; text: string }[] {
  return (turn.calls ?? []).map((call, index) => ({
    id: call.id ?? `call_${number}_${index + 1}`,
    name: call.name,
    text: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }));
}

/** Splits a text into parts of this many UTF-16 units, without regard to words or quotes. */
export function pieces(text: string, size = 5): string[] {
  return text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? [];
}

/** Token counts of an answer, different for each request and from each other. */
export function tokens(number: number) {
  return { prompt: 1000 + number, cached: 100 + number, completion: 20 + number, reasoning: 5 };
}
