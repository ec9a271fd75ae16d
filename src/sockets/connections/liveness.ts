import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** Tells whether the client of a socket is still there. */
export class Liveness {
  private bytesReadAtPing = -1;
  private bytesFlushedAtPing = -1;

  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
  ) {}

  /**
   * Pings the client, or cuts it off when it gave no sign of life since the last ping: nothing received, and
   * nothing taken of what waits for it.
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
