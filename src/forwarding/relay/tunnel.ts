import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { endToEndHeaders, type ForwardedHeaders } from './end-to-end-headers.js';
import type { UpgradedConnection } from './upstream.js';

/** A WebSocket upgrade request of a client, not yet answered. */
export interface UpgradeRequest {
  request: IncomingMessage;
  socket: Duplex;
  /** What was received after the headers. */
  head: Buffer;
}

/**
 * Calls `leave` when the client of an unanswered upgrade request disconnects. Nobody reads from its
 * connection until then, so its end would not be seen otherwise.
 * @returns a function that stops watching
 */
export function watchClient({ socket }: UpgradeRequest, leave: () => void): () => void {
  // Reports the end of the connection and leaves what the client has sent in the buffer.
  const look = (): void => {
    if (socket.readableLength === 0) socket.read(0);
  };
  socket.on('readable', look).once('end', leave).once('close', leave);
  return () => {
    socket.off('readable', look).off('end', leave).off('close', leave);
  };
}

/**
 * Connects a client and an upstream byte by byte, with backpressure both ways. Subprotocols, extensions,
 * frames and close codes pass unchanged. When one side ends, the other one is closed, too. Resolves when both
 * are closed.
 * @param headers those of the answer, without those for one connection
 * @param stop closes both
 */
export async function joinSockets(
  { socket, head }: UpgradeRequest,
  { socket: remote, head: first }: UpgradedConnection,
  headers: ForwardedHeaders,
  stop: AbortSignal,
): Promise<void> {
  const end = (): void => {
    remote.destroy();
    socket.destroy();
  };
  stop.addEventListener('abort', end, { once: true });
  for (const side of [socket, remote]) {
    if (side instanceof Socket) side.setTimeout(0).setNoDelay(true);
  }
  if (stop.aborted || socket.destroyed) end();
  else {
    socket.write(headOf(101, headers, ['Upgrade: websocket', 'Connection: Upgrade']), 'latin1');
    if (first.length > 0) remote.unshift(first);
    if (head.length > 0) socket.unshift(head);
    await pipeline(remote, socket, remote).catch(end);
  }
  stop.removeEventListener('abort', end);
}

/** Sends the answer that refuses an upgrade to the client and closes its connection. */
export async function passRefusal(answer: IncomingMessage, { socket }: UpgradeRequest): Promise<void> {
  if (!socket.writable) return void answer.destroy();
  const headers = endToEndHeaders(answer, []);
  socket.write(headOf(answer.statusCode ?? 502, headers, ['Connection: close']), 'latin1');
  await pipeline(answer, socket).catch(() => undefined);
  socket.destroy();
}

function headOf(status: number, headers: ForwardedHeaders, own: readonly string[]): string {
  const passed = Object.entries(headers).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}`),
  );
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...own, ...passed, '', ''].join('\r\n');
}
