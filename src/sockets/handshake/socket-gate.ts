import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { FailedKeys, SessionKeys } from '../../auth/index.js';
import { ByteBudget } from '../../flow/index.js';
import { readAuthKey } from '../frames/client-frame.js';
import { CLOSE, type CloseReason } from '../connections/close-code.js';
import { presentedKey } from './handshake.js';
import { HandshakeRefusedError, type Handshake } from './pattern-ws-adapter.js';
import { SocketLimits } from '../connections/socket-limits.js';

/**
 * Checks the keys of sockets, in handshakes and first frames, and bounds what those may do that have shown
 * none yet.
 */
@Injectable()
export class SocketGate {
  /** How to end those that have not shown a key yet, the oldest first. */
  private readonly unauthenticated = new Set<() => void>();

  constructor(
    private readonly keys: SessionKeys,
    private readonly failedKeys: FailedKeys,
    readonly budget: ByteBudget,
    readonly limits: SocketLimits,
  ) {}

  /**
   * Whether a handshake shows a right key; without one the first frame has to bring it.
   * @throws HandshakeRefusedError for a wrong one
   */
  async checkHandshake(handshake: Handshake): Promise<boolean> {
    if (!this.keys.required()) return true;
    const { request } = handshake;
    const shown = presentedKey(handshake, this.keys);
    if (shown === 'absent') return false;
    const isRight = shown === 'accepted';
    const trackUnauthenticated = isRight
      ? this.failedKeys.accept(request)
      : await this.failedKeys.add(request);
    // A bearer token may be a proxy's own: the first frame still decides.
    if (shown === 'unknown-bearer') return false;
    if (trackUnauthenticated !== undefined) throw new HandshakeRefusedError(429, trackUnauthenticated);
    if (!isRight) throw new HandshakeRefusedError(403);
    return true;
  }

  /** Why a first frame does not open the socket; undefined where it brings a right key. */
  async checkFrame(
    data: Buffer,
    isBinary: boolean,
    request: IncomingMessage,
  ): Promise<CloseReason | undefined> {
    const key = isBinary ? undefined : readAuthKey(data.toString());
    if (key === undefined) return CLOSE.authenticationFailed;
    const isRight = this.keys.accepts(key);
    const wait = isRight ? this.failedKeys.accept(request) : await this.failedKeys.add(request);
    if (wait !== undefined) return CLOSE.tooManyFailedKeys;
    return isRight ? undefined : CLOSE.authenticationFailed;
  }

  /**
   * Lets a socket wait for its key; of too many the one that has waited longest is ended: who has a key shows
   * it at once.
   * @param end ends this one
   * @returns what to call when it waits no more
   */
  wait(end: () => void): () => void {
    const [oldest] = this.unauthenticated;
    if (oldest !== undefined && this.unauthenticated.size >= this.limits.socketsWithoutKey) {
      this.unauthenticated.delete(oldest);
      oldest();
    }
    this.unauthenticated.add(end);
    return () => void this.unauthenticated.delete(end);
  }
}
