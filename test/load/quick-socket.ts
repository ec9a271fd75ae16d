import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually, type ServerProcess } from '../support/server-process.js';

/** A socket that records only the ids of events, so that one process can hold thousands. */
export class QuickSocket {
  /** Ids of the durable events, in the order of their arrival. */
  readonly ids: string[] = [];
  closeCode: number | undefined;
  private readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    this.socket.on('message', (data: Buffer) => {
      // Not all state updates are durable, so none is counted.
      if (data.includes('"ConversationStateUpdateEvent"')) return;
      const id = /"id":"([^"]+)"/.exec(data.toString('latin1', 0, 200))?.[1];
      if (id !== undefined) this.ids.push(id);
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', (code) => (this.closeCode = code));
  }

  async opened(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN) await once(this.socket, 'open');
    return this;
  }

  send(value: unknown): void {
    this.socket.send(JSON.stringify(value));
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }

  /** Drops the connection, as a lost network does. */
  cut(): void {
    this.socket.terminate();
  }
}

/** Opens a socket and never reads from it, not even the answer to its handshake. */
export function stoppedSocket(server: ServerProcess, route: string): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.pause();
      socket.write(
        `GET ${route} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        () => resolve(socket),
      );
    });
    socket.on('error', reject);
  });
}

/** Waits until all sockets have received a number of events. */
export async function allSaw(sockets: readonly QuickSocket[], count: number): Promise<void> {
  const saw = (): boolean => sockets.every(({ ids }) => ids.length >= count);
  await eventually(() => Promise.resolve(saw()), `${count} events at ${sockets.length} sockets`);
}

/** One value of `GET /metrics`. */
export async function metric(server: ServerProcess, name: string): Promise<number> {
  const { body } = await server.request('GET', '/metrics');
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(String(body))?.[1];
  return Number(value ?? NaN);
}
