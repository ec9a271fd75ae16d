import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import type { Ownership } from '../../conversations/index.js';
import { DomainError, errorStack } from '../../errors/index.js';
import type { WatchService } from '../../workspace/index.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import type { SocketGate } from '../handshake/socket-gate.js';
import { CLOSE, closeFor, closeSocket } from './close-code.js';
import { KeyedConnection } from './socket-connection.js';
import type { SocketLimits } from './socket-limits.js';

/** What was decided about a handshake. */
export interface FilesAdmission extends KeyAdmission {
  /** Undefined: the whole machine. */
  conversationId?: string;
  /** The watched folder, as the client has named it. */
  path: string;
}

interface Sources {
  readonly ownership: Pick<Ownership, 'assertVisible'>;
  readonly gate: SocketGate;
  readonly limits: SocketLimits;
}

/** A client's socket on the changes in a folder. */
export class FilesConnection extends KeyedConnection {
  private static readonly logger = new Logger(FilesConnection.name);
  private stopWatching: (() => void) | undefined;
  private attached = false;

  constructor(
    socket: WebSocket,
    request: IncomingMessage,
    private readonly admission: FilesAdmission,
    private readonly sources: Sources,
    private readonly watches: Pick<WatchService, 'watch'>,
  ) {
    super(socket, { admission, gate: sources.gate, request });
  }

  get isAttached(): boolean {
    return this.attached;
  }

  override release(): void {
    super.release();
    this.stop();
  }

  /** A client has nothing to say after its key. */
  handle(): Promise<void> {
    return Promise.resolve();
  }

  failed(error: unknown): void {
    FilesConnection.logger.error('handling a frame failed', errorStack(error));
  }

  async attach(): Promise<void> {
    const { ownership, limits } = this.sources;
    const { conversationId, path } = this.admission;
    try {
      if (conversationId !== undefined && this.principal)
        await ownership.assertVisible(conversationId, this.principal);
      const folder = { path, conversationId };
      const most = limits.subscribersPerConversation;
      const stop = await this.watches.watch(folder, (frame) => this.send(frame), most);
      this.attached = true;
      if (this.socket.readyState === WebSocket.OPEN) this.stopWatching = stop;
      else stop();
    } catch (error) {
      const isExpected = error instanceof DomainError;
      if (!isExpected) FilesConnection.logger.error('watching files failed', errorStack(error));
      else if (error.kind === 'limit-reached') return closeSocket(this.socket, CLOSE.tooManyListeners);
      // The reason is for people; the code says the kind.
      if (isExpected && this.socket.readyState === WebSocket.OPEN)
        this.socket.send(JSON.stringify({ type: 'error', code: error.name, detail: error.message }));
      closeSocket(this.socket, closeFor(error));
    }
  }

  private send(frame: Buffer): void {
    if (this.socket.bufferedAmount <= this.sources.limits.summaryBytes)
      return this.socket.send(frame, { binary: false });
    this.stop();
    closeSocket(this.socket, CLOSE.slowConsumer);
  }

  private stop(): void {
    this.stopWatching?.();
    this.stopWatching = undefined;
  }
}
