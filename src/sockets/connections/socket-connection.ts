import type { WebSocket } from 'ws';
import type { Principal } from '../../auth/index.js';
import { type FrameHandler, IncomingFrames, type KeyCheck } from './incoming-frames.js';
import { Liveness } from './liveness.js';

/** A client's socket of any kind. */
export interface SocketConnection {
  readonly socket: WebSocket;
  /** Who has opened it; undefined until it has sent its key. */
  readonly principal: Principal | undefined;
  /** Starts to serve the client. */
  open(): void;
  /** Releases its resources after the socket was closed. */
  release(): void;
  /** Resolves when all received frames have been handled. Never rejects. */
  handled(): Promise<void>;
  ping(): void;
}

/** A client's socket that needs a key: checks the key, and takes its frames one after the other. */
export abstract class KeyedConnection implements SocketConnection, FrameHandler {
  private readonly incoming: IncomingFrames;
  private readonly liveness: Liveness;

  constructor(
    readonly socket: WebSocket,
    check: KeyCheck,
  ) {
    this.liveness = new Liveness(socket, check.request.socket);
    this.incoming = new IncomingFrames(socket, check, this);
  }

  abstract readonly isAttached: boolean;
  abstract attach(): Promise<void>;
  abstract handle(data: Buffer, isBinary: boolean): Promise<void>;
  abstract failed(error: unknown): void;

  get principal(): Principal | undefined {
    return this.incoming.principal;
  }

  /** Attaches the client, if necessary after it has sent its key. */
  open(): void {
    this.incoming.open();
  }

  release(): void {
    this.incoming.release();
  }

  handled(): Promise<void> {
    return this.incoming.handled();
  }

  ping(): void {
    this.incoming.checkProgress();
    this.liveness.ping();
  }
}
