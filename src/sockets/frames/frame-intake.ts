import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ByteBudget, HeldBytes } from '../../flow/index.js';
import { CLOSE, closeSocket, type CloseReason } from '../connections/close-code.js';
import { FrameMeter } from './frame-meter.js';
import { MAX_INBOUND_FRAME_BYTES } from '../connections/socket-limits.js';

/** A client without a key may send this much, which is its first frame (bytes). */
const MAX_BYTES_WITHOUT_KEY = 64 * 1024;
/** How long a client whose frames are not read any more has to see why, before it is cut off (ms). */
const DISCONNECT_MS = 1000;

/**
 * Bounds what one client has sent and the server still holds, frames that are not whole included: a client
 * that has shown no key sends one small frame, and all clients together no more than the budget has.
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
  /** All payload that came. */
  private received = 0;
  private receivedAtPing = -1;
  /** At least one message is whole: what comes behind it waits for what is thought of it. */
  private hasMessage = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
    budget: ByteBudget,
    /** False: the client has not shown its key yet. */
    private accepted: boolean,
  ) {
    this.held = budget.hold();
  }

  /** Begins to count, before `ws` gets to see the first byte. */
  open(): void {
    this.transport.prependListener('data', this.read);
  }

  /** The client has shown a right key. */
  accept(): void {
    this.accepted = true;
  }

  get isAuthenticated(): boolean {
    return this.accepted;
  }

  /** Its key was wrong: the socket closes, and what still comes had better be little. */
  refuse(why: CloseReason): void {
    closeSocket(this.socket, why);
    if (this.received > MAX_BYTES_WITHOUT_KEY) this.disconnect(why);
    this.hasMessage = false;
  }

  /** Says why, reads nothing more, and ends the connection even if the client does not. */
  disconnect(why: CloseReason): void {
    this.isDisconnecting = true;
    closeSocket(this.socket, why);
    this.socket.pause();
    this.terminateTimer ??= setTimeout(() => this.socket.terminate(), DISCONNECT_MS);
  }

  /** Reads nothing for now: enough is there, or its key is being checked. */
  pause(): void {
    this.socket.pause();
  }

  /** Reads on, unless the client is being cut off. */
  resume(): void {
    if (!this.isDisconnecting && this.socket.isPaused) this.socket.resume();
  }

  /** A message was worked on. */
  handled(bytes: number): void {
    this.held.shrink(bytes);
  }

  /** Closes the socket when nothing came since the last time of a message that has begun. */
  checkProgress(): void {
    if (this.meter.isInMessage && this.received === this.receivedAtPing && !this.socket.isPaused)
      this.disconnect(CLOSE.frameNotFinished);
    this.receivedAtPing = this.received;
  }

  /** Stops counting, once the socket is closed. */
  release(): void {
    clearTimeout(this.terminateTimer);
    this.stop();
  }

  private announced(message: number): void {
    // `ws` closes the socket with 1009 and throws away what comes.
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
