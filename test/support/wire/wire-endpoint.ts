import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Json, Turn, WireProtocol, WireRequest } from './wire-protocol.js';

/** A local model provider with one protocol. The caller closes it. */
export interface WireEndpoint {
  /** The address without a path. */
  url: string;
  requests: WireRequest[];
  /** Adds answers. */
  script(turns: readonly Turn[]): void;
  close(): Promise<void>;
}

interface WireEndpointOptions {
  protocol: WireProtocol;
  script?: readonly Turn[];
  /** Answers requests that are not of the script. */
  aside?: (request: WireRequest) => Turn | undefined;
  /** Bytes per write to the socket: streams are divided there, regardless of their content. */
  cut?: number;
}

/**
 * Starts a provider on a free port. It answers from the script, and with an error when the script is empty.
 */
export async function startWireEndpoint(options: WireEndpointOptions): Promise<WireEndpoint> {
  const { protocol, cut = 61 } = options;
  const turns = [...(options.script ?? [])];
  const requests: WireRequest[] = [];
  const server = createServer((request, response) => {
    void readRequest(request).then((read) => {
      // The server may request lists of models and details of one at any time.
      if (read.method === 'GET' || read.path === '/api/show')
        return sendJson(response, 404, { error: { message: 'Not found' } });
      requests.push(read);
      const turn = protocol.refuse?.(read) ??
        options.aside?.(read) ??
        turns.shift() ?? { status: 500, body: { error: { message: 'the script is over' } } };
      return answer(response, { turn, request: read, number: requests.length, protocol, cut });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    script: (more) => void turns.push(...more),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  const text = Buffer.concat(chunks).toString('utf8');
  const { method = '', url = '', headers } = request;
  return { method, path: url, headers, text, body: text === '' ? {} : (JSON.parse(text) as Json) };
}

interface Exchange {
  turn: Turn;
  request: WireRequest;
  number: number;
  protocol: WireProtocol;
  cut: number;
}

async function answer(response: ServerResponse, exchange: Exchange): Promise<void> {
  const { turn, request, protocol } = exchange;
  if (turn.hang) return;
  for (const [name, value] of Object.entries(turn.headers ?? {})) response.setHeader(name, value);
  if (turn.body !== undefined || turn.status !== undefined) {
    sendJson(response, turn.status ?? 200, turn.body ?? {});
  } else if (!protocol.streams(request)) sendJson(response, 200, protocol.whole(exchange));
  else await sendStream(response, exchange);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Writes the frames in parts of `cut` bytes, because readers must not depend on the boundaries. */
async function sendStream(response: ServerResponse, exchange: Exchange): Promise<void> {
  const { turn, cut } = exchange;
  const { contentType, frames } = exchange.protocol.stream(exchange);
  const end = turn.stallAfter ?? turn.breakAfter ?? turn.endAfter;
  const bytes = Buffer.concat((turn.frames ?? frames).slice(0, end).map((frame) => Buffer.from(frame)));
  response.writeHead(200, { 'content-type': contentType });
  response.socket?.setNoDelay(true);
  for (let at = 0; at < bytes.length && !response.destroyed; at += cut) {
    await new Promise<void>((written) => response.write(bytes.subarray(at, at + cut), () => written()));
  }
  if (turn.breakAfter !== undefined) response.destroy();
  else if (turn.stallAfter === undefined) response.end();
}
