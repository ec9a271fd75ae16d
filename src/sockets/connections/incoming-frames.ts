import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { Principal } from '../../auth/index.js';
import { SerialQueue, turnForRequest } from '../../flow/index.js';
import { LimitReachedError } from '../../limits/index.js';
import { CLOSE, type CloseReason } from './close-code.js';
import { FrameIntake } from '../frames/frame-intake.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import type { SocketGate } from '../handshake/socket-gate.js';

/** With this many unhandled frames, the socket is paused. */
const MAX_PENDING_FRAMES = 8;

/** Handles the frames of a client. */
export interface FrameHandler {
  /**
   * Prepares for the frames of an authenticated client. Afterwards `isAttached` is true, or the client is
   * refused and its socket closed. A client that has disconnected meanwhile is attached as well: its frames
   * are still handled. Never throws.
   */
  attach(): Promise<void>;
  readonly isAttached: boolean;
  /** Executes a frame of an attached client, whose socket may already be closed. */
  handle(data: Buffer, isBinary: boolean): Promise<void>;
  /** Called with errors of `handle`. */
  failed(error: unknown): void;
}

/** How a client authenticates. */
export interface KeyCheck {
  admission: KeyAdmission;
  gate: SocketGate;
  /** The handshake. */
  request: IncomingMessage;
}

/**
 * The queue of a client's frames: the key first, unless the handshake had one, then one frame after the
 * other. A received frame is handled even if the socket closes before its turn. Only frames of a refused
 * client are dropped.
 */
export class IncomingFrames {
  private readonly queue = new SerialQueue();
  private pending = 0;
  /** The key is wrong or missing, or attaching failed. */
  private refused = false;
  private deadline: NodeJS.Timeout | undefined;
  private untrack: (() => void) | undefined;
  private stopWatching: (() => void) | undefined;
  private readonly intake: FrameIntake;
  private known: Principal | undefined;
  /** Gives back the place among the sockets of the key. */
  private giveBack: () => void = () => undefined;
  private isReleased = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly check: KeyCheck,
    private readonly handler: FrameHandler,
  ) {
    const { gate, request, admission } = check;
    const { principal } = admission;
    this.known = principal;
    this.intake = new FrameIntake(socket, request.socket, gate.budget, principal !== undefined);
  }

  /** Who has opened the socket; undefined until it has sent its key. */
  get principal(): Principal | undefined {
    return this.known;
  }

  /** Attaches the client, if necessary after it has sent its key. */
  open(): void {
    const { gate } = this.check;
    this.intake.open();
    if (this.known) {
      this.watchKey(this.known);
      void this.queue.run(() => this.attach());
    } else {
      this.deadline = setTimeout(() => this.refuse(CLOSE.authenticationFailed), gate.limits.authTimeoutMs);
      this.untrack = gate.trackUnauthenticated(() => this.intake.disconnect(CLOSE.tooManyWithoutKey));
    }
    this.socket.on('message', (data: Buffer, isBinary) => this.enqueue(data, isBinary));
  }

  /**
   * Releases resources after the socket was closed. Pending frames count as in flight until they are handled.
   */
  release(): void {
    this.stopKeyTimer();
    this.stopWatching?.();
    this.isReleased = true;
    this.giveBack();
    void this.queue.settled().then(() => this.intake.release());
  }

  /** Call periodically: closes the socket when its client has stopped in the middle of a message. */
  checkProgress(): void {
    this.intake.checkProgress();
  }

  /** Resolves when all frames received so far have been handled. Never rejects. */
  handled(): Promise<void> {
    return this.queue.settled();
  }

  private enqueue(data: Buffer, isBinary: boolean): void {
    if (this.refused) return;
    this.pending += 1;
    if (this.pending >= MAX_PENDING_FRAMES || !this.intake.isAuthenticated) this.intake.pause();
    void this.queue.run(async () => {
      await this.handle(data, isBinary).catch((error: unknown) => this.handler.failed(error));
      this.intake.handled(data.length);
      this.pending -= 1;
      if (this.pending === 0) this.intake.resume();
    });
  }

  private async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.refused) return;
    // Thousands of small frames can arrive in one chunk: they must not block the event loop for long.
    await turnForRequest();
    if (this.handler.isAttached) return this.handler.handle(data, isBinary);
    const { gate, request, admission } = this.check;
    const checked = await gate.checkFrame(data, isBinary, request, admission.required);
    this.stopKeyTimer();
    if ('refusal' in checked) return this.refuse(checked.refusal);
    this.known = checked.principal;
    this.intake.accept();
    this.watchKey(checked.principal);
    await this.attach();
  }

  private async attach(): Promise<void> {
    if (!this.hasPlace()) return this.refuse(CLOSE.tooManyForKey);
    await this.handler.attach();
    this.refused = !this.handler.isAttached;
  }

  /** Ends the socket with its key: what it has sent and is not handled yet is dropped. */
  private watchKey(principal: Principal): void {
    this.stopWatching = this.check.gate.whenEnded(principal, () => {
      this.refused = true;
      this.intake.disconnect(CLOSE.authenticationFailed);
    });
    if (this.socket.readyState !== WebSocket.OPEN) this.stopWatching();
  }

  /** Whether the key may have this socket, too. One that is closed already needs no place. */
  private hasPlace(): boolean {
    const { gate, request } = this.check;
    if (this.isReleased || this.known === undefined) return true;
    try {
      this.giveBack = gate.accounting.open(request, this.known);
      return true;
    } catch (error) {
      if (error instanceof LimitReachedError) return false;
      throw error;
    }
  }

  private refuse(why: CloseReason): void {
    this.refused = true;
    this.intake.refuse(why);
  }

  private stopKeyTimer(): void {
    clearTimeout(this.deadline);
    this.untrack?.();
  }
}
