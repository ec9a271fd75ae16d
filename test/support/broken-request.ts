import { connect, type Socket } from 'node:net';

/** A request byte for byte. */
export interface RequestBytes {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** Where a client breaks off: when it has sent, or received, so many bytes, and in which way. */
export interface BreakOff {
  /** Bytes of the whole request; undefined: all of it. */
  sent?: number;
  /**
   * Bytes of the answer that are read before the client leaves; undefined: it leaves as soon as it has sent.
   */
  received?: number;
  /** By RST, as a process that is killed does; otherwise by FIN. */
  reset: boolean;
}

/** What comes later is not waited for (ms): an answer may wait for something that never happens. */
const PATIENCE_MS = 3_000;

/** The bytes of a request as HTTP/1.1 has them; the server is to close the connection behind its answer. */
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
 * Sends a request and leaves in the middle of it, or of its answer, of which nothing more is read from then
 * on.
 * @returns what was read of the answer
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
