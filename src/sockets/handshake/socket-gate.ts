import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import {
  Authenticator,
  FailedKeys,
  type Identified,
  type Principal,
  refusalOf,
  type Requirement,
  SESSION,
  setPrincipal,
} from '../../auth/index.js';
import { DomainError } from '../../errors/index.js';
import { ByteBudget } from '../../flow/index.js';
import { readAuthKey } from '../frames/client-frame.js';
import { CLOSE, type CloseReason } from '../connections/close-code.js';
import { presentedKey } from './handshake.js';
import type { KeyAdmission } from './key-admission.js';
import { SocketAccounting } from './socket-accounting.js';
import { HandshakeRefusedError, type Handshake } from './pattern-ws-adapter.js';
import { SocketLimits } from '../connections/socket-limits.js';

/**
 * Checks the keys of sockets in handshakes and first frames, and limits the number of unauthenticated
 * sockets.
 */
@Injectable()
export class SocketGate {
  /** Functions that close the unauthenticated sockets, oldest first. */
  private readonly unauthenticated = new Set<() => void>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly failedKeys: FailedKeys,
    readonly budget: ByteBudget,
    readonly limits: SocketLimits,
    readonly accounting: SocketAccounting,
  ) {}

  /**
   * Who sends a handshake, if it contains the key.
   * @throws HandshakeRefusedError for a wrong key, or one that does not allow this; an error of kind
   *   `unavailable`
   */
  async checkHandshake(handshake: Handshake): Promise<KeyAdmission> {
    const { request, required } = handshake;
    const principal = this.authenticator.required() ? await this.principalOf(handshake) : SESSION;
    if (!principal) return { principal, required };
    setPrincipal(request, principal);
    if (refusalOf(principal, required) !== undefined) throw this.refusal(request, 403);
    await this.accounting.admit(request, principal);
    return { principal, required };
  }

  private refusal(request: IncomingMessage, status: number, retryAfter?: number): HandshakeRefusedError {
    this.accounting.recordRefusal(request, undefined, status);
    return new HandshakeRefusedError(status, retryAfter);
  }

  /** Who sends a first frame, by the key that it contains, or why it is refused. */
  async checkFrame(
    data: Buffer,
    isBinary: boolean,
    request: IncomingMessage,
    required: Requirement,
  ): Promise<{ principal: Principal } | { refusal: CloseReason }> {
    const key = isBinary ? undefined : readAuthKey(data.toString());
    if (key === undefined) return { refusal: CLOSE.authenticationFailed };
    const found = await this.identify(key, request);
    if (found === 'unavailable') return { refusal: CLOSE.keysUnavailable };
    const wait = found
      ? this.failedKeys.accept(request, found.principal.id)
      : await this.failedKeys.add(request);
    const status = wait === undefined ? this.statusFor(found?.principal, required) : 429;
    if (status !== undefined) this.accounting.recordRefusal(request, found?.principal, status);
    if (wait !== undefined) return { refusal: CLOSE.tooManyFailedKeys };
    if (!found) return { refusal: CLOSE.authenticationFailed };
    return status === undefined ? { principal: found.principal } : { refusal: CLOSE.notAllowed };
  }

  private async identify(
    key: string,
    request: IncomingMessage,
  ): Promise<Identified | 'unavailable' | undefined> {
    try {
      return await this.authenticator.identify([key], request);
    } catch (error) {
      if (error instanceof DomainError) return 'unavailable';
      throw error;
    }
  }

  /** How a request with this key would be refused; undefined if the key allows it. */
  private statusFor(principal: Principal | undefined, required: Requirement): 401 | 403 | undefined {
    if (!principal) return 401;
    return refusalOf(principal, required) === undefined ? undefined : 403;
  }

  /** Calls the listener once when the key of a socket is revoked or expires. Returns an end to this. */
  whenEnded(principal: Principal, listener: () => void): () => void {
    return this.authenticator.whenEnded(principal, listener);
  }

  /**
   * Tracks a socket until it has sent its key. When there are too many, the oldest is closed: clients with a
   * key send it at once.
   * @param close closes this socket
   * @returns a function to call when the socket is authenticated or closed
   */
  trackUnauthenticated(close: () => void): () => void {
    const [oldest] = this.unauthenticated;
    if (oldest !== undefined && this.unauthenticated.size >= this.limits.socketsWithoutKey) {
      this.unauthenticated.delete(oldest);
      oldest();
    }
    this.unauthenticated.add(close);
    return () => void this.unauthenticated.delete(close);
  }

  /** @throws HandshakeRefusedError for a wrong key */
  private async principalOf(handshake: Handshake): Promise<Principal | undefined> {
    const { request } = handshake;
    const shown = presentedKey(handshake);
    const found = await this.authenticator.identify(shown ? [shown.key] : [], request);
    if (!found && !shown) return undefined;
    const retryAfterSeconds = found
      ? this.failedKeys.accept(request, found.principal.id)
      : await this.failedKeys.add(request);
    // A bearer token may be meant for a proxy: the first frame decides.
    if (!found && shown?.isBearer) return undefined;
    if (retryAfterSeconds !== undefined) throw this.refusal(request, 429, retryAfterSeconds);
    if (!found) throw this.refusal(request, 403);
    return found.principal;
  }
}
