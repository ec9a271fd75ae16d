import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

/** An answer as a client receives it. */
export interface RawAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/**
 * Sends a request without normalisation: any path, and headers that `fetch` sets itself (`Host`, `Origin`).
 */
export async function rawRequest(
  url: string,
  { method = 'GET', path = '/', headers = {}, body = '', isEndless = false }: RawRequest = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, method, path, headers, agent: false });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    if (isEndless && response.statusCode === 200) break;
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
  };
}

interface RawRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** The answer ends only with the connection: its beginning is read. */
  isEndless?: boolean;
}

/** Requests a WebSocket upgrade. @returns `open`, or the status and the body of the refusal */
export async function knock(url: string, headers: Record<string, string> = {}): Promise<string> {
  const socket = new WebSocket(url, { headers });
  const outcome = new Promise<string>((resolve, reject) => {
    socket.once('open', () => resolve('open'));
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(`${response.statusCode} ${Buffer.concat(chunks).toString()}`.trim()));
    });
    socket.once('error', reject);
  });
  try {
    return await outcome;
  } finally {
    socket.on('error', () => undefined);
    socket.terminate();
  }
}
