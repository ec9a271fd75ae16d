import type { WebSocket } from 'ws';
import type { SessionKeys } from '../auth/index.js';
import { readAuthKey } from './client-frame.js';
import { CLOSE, closeSocket } from './close-code.js';

/** With this many frames being worked on, no more is read from the client. */
const MAX_WAITING_FRAMES = 8;
/** A first frame holds a key and no more. */
const MAX_AUTH_FRAME_BYTES = 64 * 1024;

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

/** Whose key is good, and how long a client may take to show one (ms). */
export interface KeyCheck {
  /** False: the first frame has to bring the key. */
  authenticated: boolean;
  keys: SessionKeys;
  timeoutMs: number;
}

/**
 * The frames of one client: its key first, where the handshake brought none, then one after the other. A
 * frame that was received is handled even if the socket closes before its turn; only the frames of a refused
 * client are dropped.
 */
export class IncomingFrames {
  private work: Promise<void> = Promise.resolve();
  private frames = 0;
  /** The key is wrong or missing, or the client could not be attached. */
  private refused = false;
  private deadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly check: KeyCheck,
    private readonly taker: FrameTaker,
  ) {}

  /** Attaches the client, or waits for its key first. */
  open(): void {
    if (this.check.authenticated) this.work = this.attach();
    else this.deadline = setTimeout(() => this.rejectKey(), this.check.timeoutMs);
    this.socket.on('message', (data: Buffer, isBinary) => this.take(data, isBinary));
  }

  /** Stops waiting for a key, once the socket is closed. */
  release(): void {
    clearTimeout(this.deadline);
  }

  /** Resolves when all frames that were received so far have been handled. Never rejects. */
  handled(): Promise<void> {
    return this.work;
  }

  private take(data: Buffer, isBinary: boolean): void {
    if (this.refused) return;
    this.frames += 1;
    if (this.frames >= MAX_WAITING_FRAMES) this.socket.pause();
    this.work = this.work
      .then(() => this.handle(data, isBinary))
      .catch((error: unknown) => this.taker.failed(error))
      .then(() => {
        this.frames -= 1;
        if (this.frames === 0 && this.socket.isPaused) this.socket.resume();
      });
  }

  private async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.refused) return;
    if (this.taker.isAttached) return this.taker.handle(data, isBinary);
    const key = isBinary || data.length > MAX_AUTH_FRAME_BYTES ? undefined : readAuthKey(data.toString());
    if (key === undefined || !this.check.keys.accepts(key)) return this.rejectKey();
    clearTimeout(this.deadline);
    await this.attach();
  }

  private async attach(): Promise<void> {
    await this.taker.attach();
    this.refused = !this.taker.isAttached;
  }

  private rejectKey(): void {
    this.refused = true;
    closeSocket(this.socket, CLOSE.authenticationFailed);
  }
}
