import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { type CloseReason, closeSocket } from './close-code.js';

/** Where a subscription sends its frames: a WebSocket, or the answer to a request. */
export interface FrameSink {
  /** Bytes that the client has not taken yet. */
  readonly pendingBytes: number;
  /** Of these, the bytes that wait in the transport. */
  readonly transportBytes: number;
  /** @param sent called when the frame is written to the client's connection, or will never be */
  send(frame: Buffer, sent?: () => void): void;
  /** Collects what is sent until `uncork`, to write it in one piece. */
  cork(): void;
  uncork(): void;
  /** Ends the connection with a reason. Idempotent. */
  close(why: CloseReason): void;
}

const TEXT = { binary: false };

/** Sends frames as text messages of a WebSocket. */
export class WebSocketSink implements FrameSink {
  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
  ) {}

  get pendingBytes(): number {
    return this.socket.bufferedAmount;
  }

  get transportBytes(): number {
    return this.transport.writableLength;
  }

  send(frame: Buffer, sent?: () => void): void {
    // `ws` also calls back when the socket closes or fails.
    this.socket.send(frame, TEXT, sent);
  }

  cork(): void {
    this.transport.cork();
  }

  uncork(): void {
    this.transport.uncork();
  }

  close(why: CloseReason): void {
    closeSocket(this.socket, why);
  }
}
