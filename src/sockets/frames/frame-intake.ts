import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ByteBudget, HeldBytes } from '../../flow/index.js';
import { CLOSE, closeSocket, type CloseReason } from '../connections/close-code.js';
import { FrameMeter } from './frame-meter.js';
import { MAX_INBOUND_FRAME_BYTES } from '../connections/socket-limits.js';

/** Most bytes that a client without a key may send: its first frame. */
const MAX_BYTES_WITHOUT_KEY = 64 * 1024;
/** Time for a client to read the close frame before its connection is terminated (ms). */
const DISCONNECT_MS = 1000;

/**
 * Bounds the received bytes that the server holds for one client, including incomplete frames. A client
 * without a key may send one small frame; all clients together share a budget.
 */
export class FrameIntake {
  private readonly meter = new FrameMeter({
    announced: (bytes) => this.announced(bytes),
    arrived: (bytes) => this.arrived(bytes),
    completed: () => (this.hasMessage = true),
  });
  private readonly held: HeldBytes;
  private readonly read = (chunk: Buffer): void => this.meter.push(chunk);
  private isDisconnecting = false;
  private terminateTimer: NodeJS.Timeout | undefined;
  /** Payload bytes received so far. */
  private received = 0;
  private receivedAtPing = -1;
  /** A complete message was received, which may contain the key: later frames wait for its result. */
  private hasMessage = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
    budget: ByteBudget,
    /** False: the client has not authenticated yet. */
    private accepted: boolean,
  ) {
    this.held = budget.hold();
  }

  /** Starts counting. Call it before `ws` reads the first byte. */
  open(): void {
    this.transport.prependListener('data', this.read);
  }

  /** The client has authenticated. */
  accept(): void {
    this.accepted = true;
  }

  get isAuthenticated(): boolean {
    return this.accepted;
  }

  /** The key was wrong: closes the socket, and disconnects a client that has sent a lot. */
  refuse(why: CloseReason): void {
    closeSocket(this.socket, why);
    if (this.received > MAX_BYTES_WITHOUT_KEY) this.disconnect(why);
    this.hasMessage = false;
  }

  /** Sends a close frame, stops reading, and terminates the connection if the client does not. */
  disconnect(why: CloseReason): void {
    this.isDisconnecting = true;
    closeSocket(this.socket, why);
    this.socket.pause();
    this.terminateTimer ??= setTimeout(() => this.socket.terminate(), DISCONNECT_MS);
  }

  /** Stops reading for now. */
  pause(): void {
    this.socket.pause();
  }

  /** Continues reading, unless the client is being disconnected. */
  resume(): void {
    if (!this.isDisconnecting && this.socket.isPaused) this.socket.resume();
  }

  /** A message was handled; its bytes are no longer held. */
  handled(bytes: number): void {
    this.held.shrink(bytes);
  }

  /** Closes the socket when nothing of an incomplete message has arrived since the last call. */
  checkProgress(): void {
    if (this.meter.isInMessage && this.received === this.receivedAtPing && !this.socket.isPaused)
      this.disconnect(CLOSE.frameNotFinished);
    this.receivedAtPing = this.received;
  }

  /** Stops counting after the socket was closed. */
  release(): void {
    clearTimeout(this.terminateTimer);
    this.stop();
  }

  private announced(message: number): void {
    // `ws` closes the socket with 1009 and discards the rest.
    if (message > MAX_INBOUND_FRAME_BYTES) this.stop();
    else if (this.received + message > MAX_BYTES_WITHOUT_KEY) this.checkKey();
  }

  private arrived(bytes: number): void {
    this.received += bytes;
    if (!this.held.grow(bytes)) this.disconnect(CLOSE.tooManyBytes);
  }

  private checkKey(): void {
    if (!this.accepted && !this.hasMessage) this.disconnect(CLOSE.authenticationFailed);
  }

  private stop(): void {
    this.transport.off('data', this.read);
    this.held.shrink();
  }
}
