import { request as ask, STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Upstream } from './forward-request.js';
import { requestHeaders, responseHeaders } from './forwarded-headers.js';

/** A WebSocket upgrade request of a client. */
interface UpgradeRequest {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/**
 * Connects a client and a back end byte by byte, with backpressure both ways. Subprotocols, extensions,
 * frames and close codes pass unchanged.
 * @param ended closes the tunnel
 */
export function tunnelSocket(
  { request, socket, head }: UpgradeRequest,
  upstream: Upstream,
  ended: AbortSignal,
): void {
  const { port, target } = upstream;
  const { origin: _ours, ...headers } = requestHeaders(request);
  const asked = ask({
    ...{ host: '127.0.0.1', port, path: target, agent: false },
    headers: { ...headers, host: `127.0.0.1:${port}`, connection: 'Upgrade', upgrade: 'websocket' },
  });
  let remote: Duplex | undefined;
  const end = (): void => {
    asked.destroy();
    remote?.destroy();
    socket.destroy();
  };
  ended.addEventListener('abort', end, { once: true });
  socket.once('close', () => {
    ended.removeEventListener('abort', end);
    asked.destroy();
  });
  socket.on('error', end);
  asked.on('error', () => refuse(socket));
  asked.once('response', (response) => {
    response.destroy();
    refuse(socket);
  });
  asked.once('upgrade', (response, upgraded, first) => {
    remote = upgraded;
    // It may fail again while it is being closed.
    upgraded.on('error', end);
    if (ended.aborted || socket.destroyed) return void upgraded.destroy();
    socket.write(accepted(response));
    if (first.length > 0) upgraded.unshift(first);
    if (head.length > 0) socket.unshift(head);
    // When one side ends, the other one is closed, too.
    void pipeline(upgraded, socket, upgraded).catch(end);
  });
  asked.end();
}

function accepted(response: IncomingMessage): string {
  const shown = Object.entries(responseHeaders(response)).filter(([name]) =>
    name.startsWith('sec-websocket-'),
  );
  const lines = shown.flatMap(([name, values]) => values.map((value) => `${name}: ${value}`));
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    ...lines,
    '',
    '',
  ].join('\r\n');
}

/** The back end does not accept the WebSocket or is unreachable. */
function refuse(socket: Duplex): void {
  if (!socket.writable) return;
  socket.end(`HTTP/1.1 502 ${STATUS_CODES[502]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
