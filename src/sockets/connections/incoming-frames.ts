import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { SerialQueue, turnForRequest } from '../../flow/index.js';
import { CLOSE, type CloseReason } from './close-code.js';
import { FrameIntake } from '../frames/frame-intake.js';
import type { SocketGate } from '../handshake/socket-gate.js';

/** With this many frames being worked on, no more is read from the client. */
const MAX_WAITING_FRAMES = 8;

/** What a connection does with its client. */
export interface FrameTaker {
  /**
   * Prepares what the frames of the client need. Afterwards `isAttached`, or the client is refused and its
   * socket closed. A client that has left meanwhile is attached as well: its frames are still to be handled.
   * Never throws.
   */
  attach(): Promise<void>;
  readonly isAttached: boolean;
  /** Does what a frame of an attached client says; its socket may be closed already. */
  handle(data: Buffer, isBinary: boolean): Promise<void>;
  /** Is told what `handle` threw. */
  failed(error: unknown): void;
}

/** How the key of a client is checked. */
export interface KeyCheck {
  /** False: the first frame has to bring the key. */
  authenticated: boolean;
  gate: SocketGate;
  /** The handshake. */
  request: IncomingMessage;
}

/**
 * The frames of one client: its key first, where the handshake brought none, then one after the other. A
 * frame that was received is handled even if the socket closes before its turn; only the frames of a refused
 * client are dropped.
 */
export class IncomingFrames {
  private readonly work = new SerialQueue();
  private frames = 0;
  /** The key is wrong or missing, or the client could not be attached. */
  private refused = false;
  private deadline: NodeJS.Timeout | undefined;
  private stopWaiting: (() => void) | undefined;
  private readonly intake: FrameIntake;

  constructor(
    private readonly socket: WebSocket,
    private readonly check: KeyCheck,
    private readonly taker: FrameTaker,
  ) {
    const { gate, request, authenticated } = check;
    this.intake = new FrameIntake(socket, request.socket, gate.budget, authenticated);
  }

  /** Attaches the client, or waits for its key first. */
  open(): void {
    const { authenticated, gate } = this.check;
    this.intake.open();
    if (authenticated) void this.work.run(() => this.attach());
    else {
      this.deadline = setTimeout(() => this.refuse(CLOSE.authenticationFailed), gate.limits.authTimeoutMs);
      this.stopWaiting = gate.wait(() => this.intake.cutOff(CLOSE.tooManyWithoutKey));
    }
    this.socket.on('message', (data: Buffer, isBinary) => this.take(data, isBinary));
  }

  /**
   * Releases what it holds, once the socket is closed; frames that wait count as held until they are handled.
   */
  release(): void {
    this.leaveWaiting();
    void this.work.settled().then(() => this.intake.release());
  }

  /** To be called now and then: closes the socket when its client has stopped in the middle of a message. */
  checkProgress(): void {
    this.intake.checkProgress();
  }

  /** Resolves when all frames that were received so far have been handled. Never rejects. */
  handled(): Promise<void> {
    return this.work.settled();
  }

  private take(data: Buffer, isBinary: boolean): void {
    if (this.refused) return;
    this.frames += 1;
    if (this.frames >= MAX_WAITING_FRAMES || !this.intake.isAuthenticated) this.intake.pause();
    void this.work.run(async () => {
      await this.handle(data, isBinary).catch((error: unknown) => this.taker.failed(error));
      this.intake.done(data.length);
      this.frames -= 1;
      if (this.frames === 0) this.intake.resume();
    });
  }

  private async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.refused) return;
    // Thousands of small frames come in one piece: all in one turn, they would hold up everybody else.
    await turnForRequest();
    if (this.taker.isAttached) return this.taker.handle(data, isBinary);
    const { gate, request } = this.check;
    const refusal = await gate.checkFrame(data, isBinary, request);
    this.leaveWaiting();
    if (refusal !== undefined) return this.refuse(refusal);
    this.intake.accept();
    await this.attach();
  }

  private async attach(): Promise<void> {
    await this.taker.attach();
    this.refused = !this.taker.isAttached;
  }

  private refuse(why: CloseReason): void {
    this.refused = true;
    this.intake.refuse(why);
  }

  private leaveWaiting(): void {
    clearTimeout(this.deadline);
    this.stopWaiting?.();
  }
}
