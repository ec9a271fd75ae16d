import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { bashError, type BashShell } from '../../bash/index.js';
import { errorMessage, errorStack } from '../../errors/index.js';
import { readBashFrame } from '../frames/bash-frame.js';
import { CLOSE, closeSocket } from './close-code.js';
import { KeyedConnection } from './socket-connection.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import type { SocketGate } from '../handshake/socket-gate.js';
import { MAX_PENDING_BYTES } from './socket-limits.js';

/** What was decided about a handshake. */
export interface BashAdmission extends KeyAdmission {
  /** The stored events are sent first. */
  resend: boolean;
}

interface Sources {
  shell(): Promise<BashShell>;
  readonly gate: SocketGate;
}

/** Most sockets per shell; further ones are closed with 1013. The original's limit. */
const MAX_LISTENERS = 50;
/**
 * With more bytes buffered for a client, it is sent stored events at its own pace, about as many at a time.
 */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** A client's socket on the server's shell. */
export class BashConnection extends KeyedConnection {
  private static readonly logger = new Logger(BashConnection.name);
  private shell: BashShell | undefined;
  private stopListening: (() => void) | undefined;
  /** Number of the event that is sent next. */
  private next = 0;
  /** Number after that of the last event that is known of. */
  private known = 0;
  /** True: events are sent as they occur. False: the history is sent at the client's pace. */
  private live = true;
  /** Events that could not be stored, to be sent after the history. */
  private queued: Buffer[] = [];
  private queuedBytes = 0;
  private hasLoggedError = false;

  constructor(
    socket: WebSocket,
    private readonly request: IncomingMessage,
    private readonly admission: BashAdmission,
    private readonly sources: Sources,
  ) {
    super(socket, { admission, gate: sources.gate, request });
  }

  get isAttached(): boolean {
    return this.shell !== undefined;
  }

  override release(): void {
    super.release();
    this.stopListening?.();
    this.stopListening = undefined;
  }

  async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (isBinary) return this.sendError('ValueError', 'Only text frames are understood');
    const frame = readBashFrame(data);
    if (frame.type === 'auth') return;
    if (frame.type === 'invalid') return this.sendError(frame.code, frame.detail);
    const { principal, request } = this;
    const operation = 'Socket_command';
    try {
      await this.sources.gate.accounting.perform({ principal, request, operation }, async () => {
        await this.shell?.start(frame.request);
      });
    } catch (error) {
      this.sendError('CommandRefused', errorMessage(error));
    }
  }

  failed(error: unknown): void {
    BashConnection.logger.error('handling a frame failed', errorStack(error));
  }

  async attach(): Promise<void> {
    try {
      const shell = await this.sources.shell();
      if (this.socket.readyState !== WebSocket.OPEN) return void (this.shell = shell);
      if (shell.listenerCount >= MAX_LISTENERS) return closeSocket(this.socket, CLOSE.tooManyListeners);
      this.shell = shell;
      // Before the history is asked for its length, so that no event is missed.
      this.live = false;
      this.stopListening = shell.listen((line, number) => this.onEvent(shell, line, number));
      const { first, next } = await shell.history.range();
      this.next = this.admission.resend ? first : next;
      this.known = Math.max(this.known, next);
      this.startCatchUp(shell);
    } catch (error) {
      this.failSubscription(error);
    }
  }

  /** In the background: the client's commands do not wait for the history. */
  private startCatchUp(shell: BashShell): void {
    this.catchUp(shell).catch((error: unknown) => this.failSubscription(error));
  }

  /** May change during an await. */
  private isListening(): boolean {
    return this.stopListening !== undefined;
  }

  private failSubscription(error: unknown): void {
    BashConnection.logger.error('reading the bash events failed', errorStack(error));
    this.release();
    closeSocket(this.socket, CLOSE.subscribeFailed);
  }

  /** Sends the history from the next event on, at the client's pace. */
  private async catchUp({ history }: BashShell): Promise<void> {
    this.live = false;
    while (this.next < this.known && this.isListening()) {
      const lines = await history.linesFrom(this.next, MAX_BUFFERED_BYTES);
      // Events left the history before they were sent: the client must notice that it missed some.
      if (lines.length === 0) return this.close();
      for (const line of lines) {
        this.next += 1;
        await new Promise<void>((resolve) => this.send(Buffer.from(line), () => resolve()));
        if (!this.isListening()) return;
      }
    }
    if (!this.isListening()) return;
    for (const line of this.queued.splice(0)) this.send(line);
    this.queuedBytes = 0;
    this.live = true;
  }

  private onEvent(shell: BashShell, line: Buffer, number: number | undefined): void {
    if (number === undefined) return this.onUnstoredEvent(line);
    this.known = Math.max(this.known, number + 1);
    if (!this.live || number < this.next) return;
    if (number > this.next || this.socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      return this.startCatchUp(shell);
    }
    this.next += 1;
    this.send(line);
  }

  private onUnstoredEvent(line: Buffer): void {
    if (this.live) return this.send(line);
    this.queued.push(line);
    this.queuedBytes += line.length;
    if (this.queuedBytes > MAX_PENDING_BYTES) this.close();
  }

  private send(line: Buffer, sent?: () => void): void {
    if (this.socket.bufferedAmount > MAX_PENDING_BYTES) this.close();
    // `ws` also calls back when the socket closes or fails.
    this.socket.send(line, { binary: false }, sent);
  }

  /** Sends an error about a frame. When the client has disconnected, the first error is logged instead. */
  private sendError(code: string, detail: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) {
      if (this.hasLoggedError) return;
      this.hasLoggedError = true;
      return BashConnection.logger.warn(
        `refused a frame of a client that has disconnected: ${code}: ${detail}`,
      );
    }
    this.send(Buffer.from(JSON.stringify(bashError(code, detail))));
  }

  private close(): void {
    this.release();
    closeSocket(this.socket, CLOSE.slowConsumer);
  }
}
