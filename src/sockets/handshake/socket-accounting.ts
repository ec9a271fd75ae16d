import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../audit/index.js';
import { clientAddress, principalOf, type Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { DomainError, WIRE_CODES } from '../../errors/index.js';
import { hopOf } from '../../forwarding/index.js';
import { KeyLimiter, LimitReachedError } from '../../limits/index.js';
import { HandshakeRefusedError } from './pattern-ws-adapter.js';

/** Who sends a message over a socket, and what it asks for. */
interface SocketMessage {
  principal: Principal | undefined;
  /** The handshake of its socket. */
  request: IncomingMessage;
  operation: 'Socket_message' | 'Socket_command' | 'Socket_typing';
  conversationId?: string;
}

/** Statuses as answers to requests have them, for what is recorded of sockets. */
const DONE = 200;
const FAILED = 500;

/** Holds sockets to the limits of their keys, and records refused keys and what messages ask for. */
@Injectable()
export class SocketAccounting {
  constructor(
    private readonly limiter: KeyLimiter,
    private readonly trail: AuditTrail,
    private readonly config: AppConfig,
  ) {}

  /**
   * Counts a handshake as a request of its key.
   * @throws HandshakeRefusedError if the key has reached a limit
   */
  async admit(request: IncomingMessage, principal: Principal): Promise<void> {
    // What another server has passed on was counted there.
    if (hopOf(request)) return;
    try {
      await this.limiter.takeRequest(principal);
      this.limiter.assertSocketLeft(principal);
    } catch (error) {
      if (!(error instanceof LimitReachedError)) throw error;
      this.recordRefusal(request, principal, WIRE_CODES[error.kind].status);
      throw new HandshakeRefusedError(WIRE_CODES[error.kind].status, error.retryAfterSeconds);
    }
  }

  /** Counts an open socket until the returned function is called. @throws LimitReachedError */
  open(request: IncomingMessage, principal: Principal): () => void {
    try {
      return this.limiter.takeSocket(principal);
    } catch (error) {
      this.recordRefusal(request, principal, statusOf(error));
      throw error;
    }
  }

  /** Records that a socket, or a message on it, was refused for its key. */
  recordRefusal(
    request: IncomingMessage,
    principal: Principal | undefined,
    status: number,
    operation = 'Socket_open',
  ): void {
    this.record({ principal, request, operation, status, startedAt: Date.now(), durationMs: 0 });
  }

  /**
   * Does what a message asks for, as a request of its key, and records it.
   * @throws LimitReachedError, AuditUnavailableError, and the errors of `work`
   */
  async perform(message: SocketMessage, work: () => Promise<void>): Promise<void> {
    const startedAt = Date.now();
    const started = performance.now();
    const record = (status: number): void =>
      this.record({ ...message, status, startedAt, durationMs: performance.now() - started });
    try {
      if (message.principal) await this.limiter.takeRequest(message.principal);
      await this.trail.assertWritable();
      await work();
      record(DONE);
    } catch (error) {
      record(statusOf(error));
      throw error;
    }
  }

  private record({
    request,
    ...act
  }: Omit<Parameters<AuditTrail['record']>[0], 'address'> & { request: IncomingMessage }): void {
    const address = clientAddress(request, this.config.trust_forwarded_headers);
    this.trail.record({ ...act, principal: act.principal ?? principalOf(request), address });
  }
}

function statusOf(error: unknown): number {
  return error instanceof DomainError ? WIRE_CODES[error.kind].status : FAILED;
}
