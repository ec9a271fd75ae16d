import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import type { SessionKeys } from '../auth/index.js';
import {
  ConversationClosedError,
  ConversationNotFoundError,
  InvalidRequestError,
  RunLimitError,
} from '../conversations/conversation-errors.js';
import type { IncomingMessage } from '../conversations/start-request.js';
import { errorStack } from '../errors/index.js';
import {
  DamagedConversationError,
  LeaseHeldError,
  LeaseLostError,
  StorageFailedError,
} from '../storage/index.js';
import { readAuthKey, readClientFrame } from './client-frame.js';
import { CLOSE, closeSocket } from './close-code.js';
import type { FrameFormat } from './frame-format.js';
import type { Admission } from './handshake.js';
import { Liveness } from './liveness.js';
import type { SocketLimits } from './socket-limits.js';
import { Subscription, type FollowedConversation, type SubscriptionSources } from './subscription.js';

/** What a connection needs of the server. */
export interface ConnectionSources extends SubscriptionSources {
  readonly conversations: {
    open(id: string): Promise<FollowedConversation>;
    sendMessage(id: string, message: IncomingMessage, run: boolean): Promise<void>;
  };
  readonly keys: SessionKeys;
  readonly limits: SocketLimits;
}

/**
 * One client's socket: lets the client prove its key, attaches it to its conversation, and takes its frames one after
 * the other.
 */
export class Connection {
  private static readonly logger = new Logger(Connection.name);
  private subscription: Subscription | undefined;
  private work: Promise<void> = Promise.resolve();
  private frames = 0;
  private authDeadline: NodeJS.Timeout | undefined;
  private readonly liveness: Liveness;

  constructor(
    readonly socket: WebSocket,
    transport: Socket,
    private readonly admission: Admission,
    private readonly format: FrameFormat,
    private readonly sources: ConnectionSources,
  ) {
    this.liveness = new Liveness(socket, transport);
  }

  /** Attaches the client, or waits for its key first. */
  open(): void {
    if (this.admission.authenticated) this.work = this.attach();
    else this.authDeadline = setTimeout(() => this.rejectKey(), this.sources.limits.authTimeoutMs);
    this.socket.on('message', (data: Buffer, isBinary) => this.take(data, isBinary));
  }

  /** Releases what the connection holds, once its socket is closed. */
  release(): void {
    clearTimeout(this.authDeadline);
    this.subscription?.stop();
  }

  ping(): void {
    this.liveness.ping();
  }

  private take(data: Buffer, isBinary: boolean): void {
    this.frames += 1;
    if (this.frames >= MAX_WAITING_FRAMES) this.socket.pause();
    this.work = this.work
      .then(() => this.handle(data, isBinary))
      .catch((error: unknown) => this.logFailure('frame', error))
      .then(() => {
        this.frames -= 1;
        if (this.frames === 0 && this.socket.isPaused) this.socket.resume();
      });
  }

  private async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (!this.subscription) return this.authenticate(data, isBinary);
    if (isBinary) return this.subscription.complain('ValueError', 'Only text frames are understood');
    const frame = readClientFrame(data.toString());
    if (frame.type === 'invalid') return this.subscription.complain(frame.code, frame.detail);
    if (frame.type === 'message') await this.sendMessage(frame.message, this.subscription);
  }

  private async authenticate(data: Buffer, isBinary: boolean): Promise<void> {
    const key = isBinary || data.length > MAX_AUTH_FRAME_BYTES ? undefined : readAuthKey(data.toString());
    if (key === undefined || !this.sources.keys.accepts(key)) return this.rejectKey();
    clearTimeout(this.authDeadline);
    this.authDeadline = undefined;
    await this.attach();
  }

  private rejectKey(): void {
    closeSocket(this.socket, CLOSE.authenticationFailed);
  }

  /** Opens the conversation and subscribes; waits for nothing that an agent does. */
  private async attach(): Promise<void> {
    const { bus, conversations, limits } = this.sources;
    try {
      const conversation = await conversations.open(this.admission.conversationId);
      if (this.socket.readyState !== WebSocket.OPEN) return;
      if (bus.subscriberCount(conversation.id) >= limits.subscribersPerConversation) {
        return closeSocket(this.socket, CLOSE.tooManyConnections);
      }
      this.subscription = new Subscription(this.socket, conversation.id, this.format, this.sources);
      this.subscription.start(conversation, this.admission.resend);
    } catch (error) {
      if (error instanceof ConversationNotFoundError || error instanceof LeaseHeldError) {
        return closeSocket(this.socket, CLOSE.conversationNotFound);
      }
      this.logFailure('subscribe', error);
      this.subscription?.stop();
      closeSocket(this.socket, CLOSE.subscribeFailed);
    }
  }

  /** A message over a socket always starts a run, whatever its `run` says. */
  private async sendMessage(message: IncomingMessage, subscription: Subscription): Promise<void> {
    try {
      await this.sources.conversations.sendMessage(this.admission.conversationId, message, true);
    } catch (error) {
      const { code, detail } = describe(error);
      if (code === UNEXPECTED.code) this.logFailure('message', error);
      subscription.complain(code, detail);
    }
  }

  private logFailure(what: string, error: unknown): void {
    Connection.logger.error(
      `${what} on conversation ${this.admission.conversationId} failed`,
      errorStack(error),
    );
  }
}

/** With this many frames being worked on, no more is read from the client. */
const MAX_WAITING_FRAMES = 8;

/** A first frame holds a key and no more. */
const MAX_AUTH_FRAME_BYTES = 64 * 1024;

const UNEXPECTED = { code: 'InternalServerError', detail: 'Internal Server Error' };

/** What a client is told about a message that was not taken: the original's codes where it has one. */
function describe(error: unknown): { code: string; detail: string } {
  if (error instanceof ConversationClosedError || error instanceof ConversationNotFoundError) {
    return { code: 'ValueError', detail: 'inactive_service' };
  }
  if (error instanceof RunLimitError) return { code: 'ConversationRunLimitExceeded', detail: error.message };
  if (error instanceof InvalidRequestError) return { code: 'ValidationError', detail: error.message };
  if (
    error instanceof LeaseHeldError ||
    error instanceof LeaseLostError ||
    error instanceof StorageFailedError ||
    error instanceof DamagedConversationError
  ) {
    return { code: error.name, detail: error.message };
  }
  return UNEXPECTED;
}
