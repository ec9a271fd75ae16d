import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import type { Requirement } from '../../auth/index.js';
import { errorStack } from '../../errors/index.js';
import { SharedFrames } from '../frames/shared-frames.js';
import type { Resend } from '../handshake/handshake.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import { CLOSE, closeFor, closeSocket } from './close-code.js';
import type { ConnectionSources } from './connection.js';
import { Liveness } from './liveness.js';
import { WebSocketSink } from './frame-sink.js';
import type { SocketConnection } from './socket-connection.js';
import { Subscription } from './subscription.js';
import type { SharedView, SharesService } from '../../shares/index.js';

/** How often a link is checked again (ms): it may have been revoked, also at another server. */
const CHECK_EVERY_MS = 3_000;
/** The part of the places at a conversation that people with links may take. */
const SHARE = 0.5;

/** What was decided about the handshake of a share link. */
export interface ShareAdmission extends KeyAdmission {
  conversationId: string;
  /** Nobody: a link is no key, and lets this server take nothing. */
  principal: undefined;
  required: Requirement;
  token: string;
  resend: Resend;
}

/** A socket of somebody with a share link: gets redacted events until it ends. Its frames are ignored. */
export class SharedConnection implements SocketConnection {
  private static readonly logger = new Logger(SharedConnection.name);
  readonly principal = undefined;
  private readonly liveness: Liveness;
  private subscription: Subscription | undefined;
  private checks: NodeJS.Timeout | undefined;

  constructor(
    readonly socket: WebSocket,
    private readonly request: IncomingMessage,
    private readonly admission: ShareAdmission,
    private readonly sources: ConnectionSources,
    private readonly links: { shares: SharesService; view: SharedView },
  ) {
    this.liveness = new Liveness(socket, request.socket);
  }

  open(): void {
    // Frames of the client are read, so that pings and closes are, and dropped.
    this.socket.on('message', () => undefined);
    void this.attach();
  }

  release(): void {
    clearTimeout(this.checks);
    this.subscription?.stop();
  }

  handled(): Promise<void> {
    return Promise.resolve();
  }

  ping(): void {
    this.liveness.ping();
  }

  private async attach(): Promise<void> {
    const { conversationId: id, resend } = this.admission;
    const { bus, conversations, limits } = this.sources;
    try {
      const redaction = await this.links.view.redaction(id);
      const conversation = await conversations.open(id);
      if (this.socket.readyState !== WebSocket.OPEN) return;
      // Those with a link leave places to those with a key.
      if (bus.subscriberCount(id) >= limits.subscribersPerConversation * SHARE)
        return closeSocket(this.socket, CLOSE.tooManyConnections);
      const format = new SharedFrames(redaction);
      const sink = new WebSocketSink(this.socket, this.request.socket);
      this.subscription = new Subscription(sink, id, format, this.sources);
      this.subscription.start(conversation, resend);
      this.checkLater();
    } catch (error) {
      this.subscription?.stop();
      SharedConnection.logger.debug(errorStack(error));
      closeSocket(this.socket, closeFor(error));
    }
  }

  private checkLater(): void {
    this.checks = setTimeout(() => {
      const { token, conversationId } = this.admission;
      this.links.shares.check(token, conversationId).then(
        (claims) => {
          if (this.socket.readyState !== WebSocket.OPEN) return;
          if (claims) return this.checkLater();
          this.subscription?.stop();
          closeSocket(this.socket, CLOSE.authenticationFailed);
        },
        () => this.checkLater(),
      );
    }, CHECK_EVERY_MS).unref();
  }
}
