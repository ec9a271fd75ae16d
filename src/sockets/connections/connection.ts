import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { refusalOf, type Requirement } from '../../auth/index.js';
import type { NewMessage, Ownership } from '../../conversations/index.js';
import { DomainError, errorStack, type SocketError } from '../../errors/index.js';
import { type ClientFrame, readClientFrame } from '../frames/client-frame.js';
import { CLOSE, closeFor, closeSocket } from './close-code.js';
import { WebSocketSink } from './frame-sink.js';
import type { FrameFormat } from '../frames/frame-format.js';
import type { Admission } from '../handshake/handshake.js';
import type { SocketGate } from '../handshake/socket-gate.js';
import { KeyedConnection } from './socket-connection.js';
import type { SocketLimits } from './socket-limits.js';
import { Subscription, type FollowedConversation, type SubscriptionSources } from './subscription.js';

/** The services that a connection uses. */
export interface ConnectionSources extends SubscriptionSources {
  readonly conversations: {
    open(id: string): Promise<FollowedConversation>;
    sendMessage(id: string, message: NewMessage, run: boolean): Promise<unknown>;
  };
  readonly ownership: Pick<Ownership, 'assertVisible'>;
  readonly gate: SocketGate;
  readonly limits: SocketLimits;
}

/** What a key needs for each kind of frame. */
export const FRAME_SCOPES: Readonly<Record<Exclude<ClientFrame['type'], 'auth' | 'invalid'>, Requirement>> = {
  message: { scope: 'write', own: true },
};

/** A client's socket: subscribes the client to its conversation and executes its frames. */
export class Connection extends KeyedConnection {
  private static readonly logger = new Logger(Connection.name);
  private subscription: Subscription | undefined;
  private attached = false;
  private hasLoggedError = false;

  constructor(
    socket: WebSocket,
    private readonly request: IncomingMessage,
    private readonly admission: Admission,
    private readonly format: FrameFormat,
    private readonly sources: ConnectionSources,
  ) {
    super(socket, { admission, gate: sources.gate, request });
  }

  get isAttached(): boolean {
    return this.attached;
  }

  override release(): void {
    super.release();
    this.subscription?.stop();
  }

  async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (isBinary) return this.sendError('ValueError', 'Only text frames are understood');
    const frame = await readClientFrame(data);
    if (frame.type === 'invalid') return this.sendError(frame.code, frame.detail);
    if (frame.type === 'auth') return;
    const refusal = this.principal && refusalOf(this.principal, FRAME_SCOPES[frame.type]);
    if (refusal !== undefined) {
      this.sources.gate.accounting.recordRefusal(this.request, this.principal, 403, MESSAGE);
      return this.sendError('PermissionError', refusal);
    }
    await this.sendMessage(frame.message);
  }

  failed(error: unknown): void {
    this.logFailure('frame', error);
  }

  /** Opens the conversation and subscribes. Does not wait for a run. */
  async attach(): Promise<void> {
    const { bus, conversations, limits, ownership, replaySlots } = this.sources;
    try {
      // Limits how many sockets are attached at a time.
      await replaySlots.run(() => nextTurn());
      if (this.principal) await ownership.assertVisible(this.admission.conversationId, this.principal);
      const conversation = await conversations.open(this.admission.conversationId);
      const { resend } = this.admission;
      const first = resend.from === 'timestamp' ? await conversation.firstSince(resend.timestamp) : undefined;
      this.attached = this.socket.readyState !== WebSocket.OPEN;
      if (this.attached) return;
      if (bus.subscriberCount(conversation.id) >= limits.subscribersPerConversation) {
        return closeSocket(this.socket, CLOSE.tooManyConnections);
      }
      this.attached = true;
      this.subscription = new Subscription(
        new WebSocketSink(this.socket, this.request.socket),
        conversation.id,
        this.format,
        this.sources,
      );
      this.subscription.start(conversation, resend, first);
    } catch (error) {
      this.subscription?.stop();
      if (!isExpected(error)) this.logFailure('subscribe', error);
      closeSocket(this.socket, closeFor(error));
    }
  }

  /** A message over a socket always starts a run; its `run` is ignored. */
  private async sendMessage(message: NewMessage): Promise<void> {
    const { conversations, gate } = this.sources;
    const { conversationId } = this.admission;
    const { principal, request } = this;
    try {
      await gate.accounting.perform({ principal, request, operation: MESSAGE, conversationId }, () =>
        conversations.sendMessage(conversationId, message, true).then(() => undefined),
      );
    } catch (error) {
      const { code, detail } = socketErrorOf(error);
      if (code === UNEXPECTED.code) this.logFailure('message', error);
      this.sendError(code, detail);
    }
  }

  /** Sends an error about a frame. When the client has disconnected, the first error is logged instead. */
  private sendError(code: string, detail: string): void {
    if (this.socket.readyState === WebSocket.OPEN) return this.subscription?.sendError(code, detail);
    if (this.hasLoggedError) return;
    this.hasLoggedError = true;
    const { conversationId } = this.admission;
    Connection.logger.warn(
      `refused a frame of a client of conversation ${conversationId} that has disconnected: ${code}: ${detail}`,
    );
  }

  private logFailure(what: string, error: unknown): void {
    Connection.logger.error(
      `${what} on conversation ${this.admission.conversationId} failed`,
      errorStack(error),
    );
  }
}

/** What the audit log calls a message. */
const MESSAGE = 'Socket_message';

const UNEXPECTED: SocketError = { code: 'InternalServerError', detail: 'Internal Server Error' };

/** The error event for a message that was not accepted. */
function socketErrorOf(error: unknown): SocketError {
  if (!(error instanceof DomainError)) return UNEXPECTED;
  return error.socketError ?? { code: error.name, detail: error.message };
}

/** Whether an error is part of normal operation and not worth a log line. */
function isExpected(error: unknown): boolean {
  return error instanceof DomainError && error.cause === undefined;
}
