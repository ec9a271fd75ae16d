import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { FailedKeys, type Principal, SESSION, SessionKeys, setPrincipal } from '../../auth/index.js';
import { ByteBudget } from '../../flow/index.js';
import { readAuthKey } from '../frames/client-frame.js';
import { CLOSE, type CloseReason } from '../connections/close-code.js';
import { presentedKey } from './handshake.js';
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
    private readonly keys: SessionKeys,
    private readonly failedKeys: FailedKeys,
    readonly budget: ByteBudget,
    readonly limits: SocketLimits,
    readonly accounting: SocketAccounting,
  ) {}

  /**
   * Who sends a handshake; undefined when the first frame must contain the key.
   * @throws HandshakeRefusedError for a wrong key
   */
  async checkHandshake(handshake: Handshake): Promise<Principal | undefined> {
    const { request } = handshake;
    const isRight = !this.keys.required() || (await this.hasKey(handshake));
    if (!isRight) return undefined;
    setPrincipal(request, SESSION);
    await this.accounting.admit(request, SESSION);
    return SESSION;
  }

  /** @throws HandshakeRefusedError for a wrong key */
  private async hasKey(handshake: Handshake): Promise<boolean> {
    const { request } = handshake;
    const shown = presentedKey(handshake, this.keys);
    if (shown === 'absent') return false;
    const isRight = shown === 'accepted';
    const retryAfterSeconds = isRight ? this.failedKeys.accept(request) : await this.failedKeys.add(request);
    // A bearer token may be meant for a proxy: the first frame decides.
    if (shown === 'unknown-bearer') return false;
    if (retryAfterSeconds !== undefined) throw this.refusal(request, 429, retryAfterSeconds);
    if (!isRight) throw this.refusal(request, 403);
    return true;
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
  ): Promise<{ principal: Principal } | { refusal: CloseReason }> {
    const key = isBinary ? undefined : readAuthKey(data.toString());
    if (key === undefined) return { refusal: CLOSE.authenticationFailed };
    const isRight = this.keys.accepts(key);
    const wait = isRight ? this.failedKeys.accept(request) : await this.failedKeys.add(request);
    if (wait !== undefined || !isRight)
      this.accounting.recordRefusal(request, undefined, wait === undefined ? 401 : 429);
    if (wait !== undefined) return { refusal: CLOSE.tooManyFailedKeys };
    return isRight ? { principal: SESSION } : { refusal: CLOSE.authenticationFailed };
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
}
