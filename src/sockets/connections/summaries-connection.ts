import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import type { SummaryFeed } from '../../conversations/index.js';
import { errorStack } from '../../errors/index.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import type { SocketGate } from '../handshake/socket-gate.js';
import { CLOSE, closeSocket } from './close-code.js';
import { KeyedConnection } from './socket-connection.js';
import type { SocketLimits } from './socket-limits.js';

interface Sources {
  readonly feed: Pick<SummaryFeed, 'listen' | 'countFor'>;
  readonly gate: SocketGate;
  readonly limits: SocketLimits;
}

/** A client's socket on the changes of all conversations. */
export class SummariesConnection extends KeyedConnection {
  private static readonly logger = new Logger(SummariesConnection.name);
  private stopListening: (() => void) | undefined;
  private attached = false;

  constructor(
    socket: WebSocket,
    request: IncomingMessage,
    admission: KeyAdmission,
    private readonly sources: Sources,
  ) {
    super(socket, { admission, gate: sources.gate, request });
  }

  get isAttached(): boolean {
    return this.attached;
  }

  override release(): void {
    super.release();
    this.stopListening?.();
    this.stopListening = undefined;
  }

  /** A client has nothing to say after its key. */
  handle(): Promise<void> {
    return Promise.resolve();
  }

  failed(error: unknown): void {
    SummariesConnection.logger.error('handling a frame failed', errorStack(error));
  }

  attach(): Promise<void> {
    const { feed, limits } = this.sources;
    const { principal } = this;
    const isOpen = this.socket.readyState === WebSocket.OPEN;
    this.attached =
      !isOpen || (principal !== undefined && feed.countFor(principal) < limits.subscribersPerConversation);
    if (!this.attached) closeSocket(this.socket, CLOSE.tooManyListeners);
    else if (isOpen && principal) {
      this.stopListening = feed.listen(principal, (frame) => this.send(frame));
      this.send(Buffer.from(JSON.stringify({ type: 'ready', time: new Date().toISOString() })));
    }
    return Promise.resolve();
  }

  private send(frame: Buffer): void {
    if (this.socket.bufferedAmount <= this.sources.limits.summaryBytes)
      return this.socket.send(frame, { binary: false });
    this.stopListening?.();
    this.stopListening = undefined;
    closeSocket(this.socket, CLOSE.slowConsumer);
  }
}
