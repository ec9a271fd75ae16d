import type { IncomingHttpHeaders } from 'node:http';

/** Any JSON object. */
export type Json = Record<string, unknown>;

/** One answer of a model, whatever the protocol it is worded in. */
export interface Turn {
  text?: string;
  reasoning?: string;
  calls?: WireCall[];
  /** Why it stopped, in the words of chat completions; the default is `tool_calls` or `stop`. */
  stop?: 'stop' | 'tool_calls' | 'length' | 'content_filter';
  /** Fields of the protocol's own, added to the answer or to the first and the last chunk. */
  extra?: Json;
  /** The answer as it is instead, with this status. */
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Nothing at all is answered. */
  hang?: boolean;
  /** Of a stream: nothing comes after this many frames. */
  stallAfter?: number;
  /** Of a stream: the connection breaks after this many frames. */
  breakAfter?: number;
  /** Of a stream: it ends after this many frames, as if it were complete. */
  endAfter?: number;
  /** Of a stream: these are its frames, whatever the protocol would make of the turn. */
  frames?: string[];
}

/** A tool call; `id` is made of the number of the request and its place when it is missing. */
export interface WireCall {
  id?: string;
  name: string;
  /** An object, or text that goes out as it is. */
  arguments: unknown;
}

/** A request as it came. */
export interface WireRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Json;
  /** The body as it came: signatures are made of it. */
  text: string;
}

/** The answer to a request that the provider does not take. */
export interface Refusal {
  status: number;
  body: Json;
  headers?: Record<string, string>;
}

/** What an answer is made of. */
export interface Answering {
  turn: Turn;
  request: WireRequest;
  /** The number of the request, from 1: ids and token counts follow it. */
  number: number;
}

/** The body of an answer that is streamed. */
export interface WireStream {
  contentType: string;
  /** What the provider writes in one go; the network may cut it anywhere. */
  frames: (string | Uint8Array)[];
}

/** How a provider words its answers, byte for byte, after its public documentation. */
export interface WireProtocol {
  /** Whether the request asks for a stream. */
  streams(request: WireRequest): boolean;
  /** What the provider answers to a request against its rules; undefined: it keeps them. */
  refuse?(request: WireRequest): Refusal | undefined;
  /** The JSON of an answer in one piece. */
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

/** A text in pieces of this many UTF-16 units: tokens know nothing of words, quotes or surrogates. */
export function pieces(text: string, size = 5): string[] {
  return text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? [];
}

/** Tokens of an answer: different in every request, and no two counts are the same. */
export function tokens(number: number) {
  return { prompt: 1000 + number, cached: 100 + number, completion: 20 + number, reasoning: 5 };
}
