import { once } from 'node:events';
import net from 'node:net';
import type { InMemoryConversation } from './in-memory-conversations.js';
import type { Frame } from './socket-client.js';
import { SocketServer } from './socket-server.js';

/** Whether a frame is a snapshot of the state. */
export const isFullState = (frame: Frame): boolean => frame['key'] === 'full_state';

/** The server of a test and a conversation on it; set by `start`. */
export let server: SocketServer;
export let conversation: InMemoryConversation;

/** Starts a server that ends with the test. */
export async function start(options?: Parameters<typeof SocketServer.start>[0]): Promise<void> {
  server = await SocketServer.start(options);
  conversation = server.conversation();
}
afterEach(() => server.stop());

/** A connection without any client. */
export function rawConnection(): net.Socket {
  const [host, port] = server.address.split(':');
  return net.connect(Number(port), host);
}

/** A connection after the WebSocket handshake, without a client that follows the protocol. */
export async function rawSocket(path: string): Promise<net.Socket> {
  const socket = rawConnection();
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await once(socket, 'data');
  return socket;
}

/** Waits for a condition that depends on work of the server in this process. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
