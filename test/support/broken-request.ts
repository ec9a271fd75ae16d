import { connect, type Socket } from 'node:net';

/** The parts of a raw request. */
export interface RequestBytes {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** Where and how a client aborts a request. */
export interface BreakOff {
  /** Bytes of the request that are sent; undefined: all. */
  sent?: number;
  /** Bytes of the answer that are read first; undefined: the client disconnects after sending. */
  received?: number;
  /** With RST, as a killed process does; otherwise with FIN. */
  reset: boolean;
}

/** The longest wait for an answer (ms): some answers wait for something that never happens. */
const PATIENCE_MS = 3_000;

/** Encodes a request for HTTP/1.1 with `Connection: close`. */
export function encodeRequest({ method, path, headers = {}, body = '' }: RequestBytes): Buffer {
  const content = Buffer.from(body);
  const lines = Object.entries({
    host: '127.0.0.1',
    connection: 'close',
    ...(content.length > 0 && { 'content-length': String(content.length) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), content]);
}

/**
 * Sends a request and aborts it in the middle, or in the middle of its answer.
 * @returns the part of the answer that was read
 */
export async function breakOff(url: string, request: Buffer, at: BreakOff): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    socket.once('close', () => (clearTimeout(timer), resolve()));
    socket.once('connect', () => {
      socket.write(request.subarray(0, at.sent), () => {
        if (at.sent !== undefined || at.received === undefined) resolve();
      });
    });
    const wanted = at.received;
    if (wanted === undefined) return;
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (chunks.reduce((sum, { length }) => sum + length, 0) < wanted) return;
      socket.pause();
      clearTimeout(timer);
      resolve();
    });
  });
  await leave(socket, at.reset);
  return Buffer.concat(chunks);
}

async function leave(socket: Socket, reset: boolean): Promise<void> {
  if (socket.destroyed) return;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (reset) socket.resetAndDestroy();
  else socket.destroy();
  await closed;
}
