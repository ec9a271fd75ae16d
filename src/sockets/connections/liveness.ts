import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** Detects clients that have disappeared without closing their socket. */
export class Liveness {
  private bytesReadAtPing = -1;
  private bytesFlushedAtPing = -1;

  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
  ) {}

  /**
   * Pings the client. Terminates the socket if, since the last ping, nothing was received and the client has
   * read nothing of what is buffered for it.
   */
  ping(): void {
    const { bytesRead } = this.transport;
    const flushed = this.transport.bytesWritten - this.transport.writableLength;
    const silent = bytesRead === this.bytesReadAtPing && !this.socket.isPaused;
    const stuck = this.transport.writableLength === 0 || flushed === this.bytesFlushedAtPing;
    if (silent && stuck) return this.socket.terminate();
    this.bytesReadAtPing = bytesRead;
    this.bytesFlushedAtPing = flushed;
    this.socket.ping();
  }
}
