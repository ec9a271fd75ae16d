import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import type { SessionKeys } from '../auth/index.js';
import { bashError } from '../bash/bash-event.js';
import type { BashShell } from '../bash/bash-shell.js';
import { errorMessage, errorStack } from '../errors/index.js';
import { readBashFrame } from './bash-frame.js';
import { CLOSE, closeSocket } from './close-code.js';
import { IncomingFrames, type FrameTaker } from './incoming-frames.js';
import { Liveness } from './liveness.js';
import type { AnyConnection } from './socket-connections.js';
import { MAX_PENDING_BYTES, type SocketLimits } from './socket-limits.js';

/** A handshake that may be accepted. */
export interface BashAdmission {
  /** False: the first frame has to bring the key. */
  authenticated: boolean;
  /** Everything that there is comes first. */
  resend: boolean;
}

interface Sources {
  shell(): Promise<BashShell>;
  readonly keys: SessionKeys;
  readonly limits: SocketLimits;
}

/** Sockets at one shell; one more is closed with 1013. The original's number. */
const MAX_LISTENERS = 50;
/** Events that are read at a time for a client that wants to see them again. */
const REPLAY_PAGE = 20;

/** One client's socket at the shell of the server. */
export class BashConnection implements AnyConnection, FrameTaker {
  private static readonly logger = new Logger(BashConnection.name);
  private readonly liveness: Liveness;
  private shell: BashShell | undefined;
  private stopListening: (() => void) | undefined;
  /** What came while the client is still being sent what there was; undefined when it is not. */
  private held: Buffer[] | undefined;
  private heldBytes = 0;
  private readonly incoming: IncomingFrames;

  constructor(
    readonly socket: WebSocket,
    transport: Socket,
    private readonly admission: BashAdmission,
    private readonly sources: Sources,
  ) {
    this.liveness = new Liveness(socket, transport);
    const { keys, limits } = sources;
    const check = { authenticated: admission.authenticated, keys, timeoutMs: limits.authTimeoutMs };
    this.incoming = new IncomingFrames(socket, check, this);
  }

  get isAttached(): boolean {
    return this.shell !== undefined;
  }

  open(): void {
    this.incoming.open();
  }

  release(): void {
    this.incoming.release();
    this.stopListening?.();
    this.stopListening = undefined;
  }

  ping(): void {
    this.liveness.ping();
  }

  async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (isBinary) return this.complain('ValueError', 'Only text frames are understood');
    const frame = readBashFrame(data.toString());
    if (frame.type === 'auth') return;
    if (frame.type === 'invalid') return this.complain(frame.code, frame.detail);
    try {
      await this.shell?.start(frame.request);
    } catch (error) {
      this.complain('CommandRefused', errorMessage(error));
    }
  }

  failed(error: unknown): void {
    BashConnection.logger.error('a frame failed', errorStack(error));
  }

  async attach(): Promise<void> {
    try {
      const shell = await this.sources.shell();
      if (this.socket.readyState !== WebSocket.OPEN) return;
      if (shell.listenerCount >= MAX_LISTENERS) return closeSocket(this.socket, CLOSE.tooManyListeners);
      this.shell = shell;
      if (this.admission.resend) this.held = [];
      this.stopListening = shell.listen((line) => this.pass(line));
      if (this.admission.resend) await this.replay(shell);
    } catch (error) {
      BashConnection.logger.error('the bash events cannot be read', errorStack(error));
      closeSocket(this.socket, CLOSE.subscribeFailed);
    }
  }

  /** Sends what there is at the pace of the client, then what came meanwhile. */
  private async replay({ history }: BashShell): Promise<void> {
    const seen = new Set<string>();
    for (let pageId: string | undefined, isMore = true; isMore;) {
      const page = await history.search({ descending: false, pageId, limit: REPLAY_PAGE });
      for (const line of page.lines) {
        const bytes = Buffer.from(line);
        seen.add(idOf(bytes));
        await new Promise<void>((resolve) => this.send(bytes, () => resolve()));
      }
      isMore = page.nextPageId !== null && this.stopListening !== undefined;
      pageId = page.nextPageId ?? undefined;
    }
    const held = this.held ?? [];
    this.held = undefined;
    for (const line of held) if (!seen.has(idOf(line))) this.send(line);
  }

  private pass(line: Buffer): void {
    if (!this.held) return this.send(line);
    this.held.push(line);
    this.heldBytes += line.length;
    if (this.heldBytes > MAX_PENDING_BYTES) this.close();
  }

  private send(line: Buffer, sent?: () => void): void {
    if (this.socket.bufferedAmount > MAX_PENDING_BYTES) this.close();
    // `ws` calls back also when the socket is closing or breaks.
    this.socket.send(line, { binary: false }, sent);
  }

  private complain(code: string, detail: string): void {
    this.send(Buffer.from(JSON.stringify(bashError(code, detail))));
  }

  private close(): void {
    this.release();
    closeSocket(this.socket, CLOSE.slowConsumer);
  }
}

/** Events begin with their id, commands end with theirs. */
function idOf(line: Buffer): string {
  const begin = line.toString('latin1', 0, ID_BYTES);
  const end = line.toString('latin1', Math.max(0, line.length - ID_BYTES));
  return (
    /^\{"id":"([0-9a-f]{32})"/.exec(begin)?.[1] ??
    /"id":"([0-9a-f]{32})","timestamp":"[^"]*","kind":"BashCommand"\}$/.exec(end)?.[1] ??
    ''
  );
}

/** The id, and what stands around it, are in so many bytes. */
const ID_BYTES = 200;
