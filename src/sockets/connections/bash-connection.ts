import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { bashError } from '../../bash/bash-event.js';
import type { BashShell } from '../../bash/shell/bash-shell.js';
import { errorMessage, errorStack } from '../../errors/index.js';
import { readBashFrame } from '../frames/bash-frame.js';
import { CLOSE, closeSocket } from './close-code.js';
import { IncomingFrames, type FrameTaker } from './incoming-frames.js';
import { Liveness } from './liveness.js';
import type { AnyConnection } from './socket-connections.js';
import type { SocketGate } from '../handshake/socket-gate.js';
import { MAX_PENDING_BYTES } from './socket-limits.js';

/** A handshake that may be accepted. */
export interface BashAdmission {
  /** False: the first frame has to bring the key. */
  authenticated: boolean;
  /** Everything that there is comes first. */
  resend: boolean;
}

interface Sources {
  shell(): Promise<BashShell>;
  readonly gate: SocketGate;
}

/** Sockets at one shell; one more is closed with 1013. The original's number. */
const MAX_LISTENERS = 50;
/**
 * Bytes that may wait for a client before it is given what is kept at its own pace; about as much is read at
 * a time.
 */
const MAX_BYTES_AHEAD = 1024 * 1024;

/** One client's socket at the shell of the server. */
export class BashConnection implements AnyConnection, FrameTaker {
  private static readonly logger = new Logger(BashConnection.name);
  private readonly liveness: Liveness;
  private shell: BashShell | undefined;
  private stopListening: (() => void) | undefined;
  /** Number of the event that the client gets next. */
  private next = 0;
  /** False: it reads the history at the pace of its client; then events are passed on as they come. */
  private live = true;
  /** What could not be kept is in no history: it waits for the end of the catching up. */
  private held: Buffer[] = [];
  private heldBytes = 0;
  private readonly incoming: IncomingFrames;
  private hasLogged = false;

  constructor(
    readonly socket: WebSocket,
    request: IncomingMessage,
    private readonly admission: BashAdmission,
    private readonly sources: Sources,
  ) {
    this.liveness = new Liveness(socket, request.socket);
    const check = { authenticated: admission.authenticated, gate: sources.gate, request };
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

  handled(): Promise<void> {
    return this.incoming.handled();
  }

  ping(): void {
    this.incoming.checkProgress();
    this.liveness.ping();
  }

  async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (isBinary) return this.complain('ValueError', 'Only text frames are understood');
    const frame = readBashFrame(data);
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
      if (this.socket.readyState !== WebSocket.OPEN) return void (this.shell = shell);
      if (shell.listenerCount >= MAX_LISTENERS) return closeSocket(this.socket, CLOSE.tooManyListeners);
      this.shell = shell;
      // No await between these: no event is missed.
      this.next = this.admission.resend ? shell.history.first : shell.history.next;
      this.stopListening = shell.listen((line, number) => this.pass(shell, line, number));
      if (this.admission.resend) this.startCatchUp(shell);
    } catch (error) {
      this.unreadable(error);
    }
  }

  /** In the background: commands of the client do not wait until it has taken the history. */
  private startCatchUp(shell: BashShell): void {
    this.catchUp(shell).catch((error: unknown) => this.unreadable(error));
  }

  /** It may stop while something is waited for. */
  private isListening(): boolean {
    return this.stopListening !== undefined;
  }

  private unreadable(error: unknown): void {
    BashConnection.logger.error('the bash events cannot be read', errorStack(error));
    this.release();
    closeSocket(this.socket, CLOSE.subscribeFailed);
  }

  /** Sends the history from the next event on; the client sets the pace. */
  private async catchUp({ history }: BashShell): Promise<void> {
    this.live = false;
    while (this.next < history.next && this.isListening()) {
      const lines = await history.linesFrom(this.next, MAX_BYTES_AHEAD);
      // Dropped from the history before the client had taken it: it has to see that it lacks something.
      if (lines.length === 0) return this.close();
      for (const line of lines) {
        this.next += 1;
        await new Promise<void>((resolve) => this.send(Buffer.from(line), () => resolve()));
        if (!this.isListening()) return;
      }
    }
    for (const line of this.held.splice(0)) this.send(line);
    this.heldBytes = 0;
    this.live = true;
  }

  private pass(shell: BashShell, line: Buffer, number: number | undefined): void {
    if (number === undefined) return this.passUnkept(line);
    if (!this.live || number < this.next) return;
    if (number > this.next || this.socket.bufferedAmount > MAX_BYTES_AHEAD) {
      return this.startCatchUp(shell);
    }
    this.next += 1;
    this.send(line);
  }

  private passUnkept(line: Buffer): void {
    if (this.live) return this.send(line);
    this.held.push(line);
    this.heldBytes += line.length;
    if (this.heldBytes > MAX_PENDING_BYTES) this.close();
  }

  private send(line: Buffer, sent?: () => void): void {
    if (this.socket.bufferedAmount > MAX_PENDING_BYTES) this.close();
    // `ws` calls back also when the socket is closing or breaks.
    this.socket.send(line, { binary: false }, sent);
  }

  /** Tells the client what is wrong with a frame; the log, once, when the client has left. */
  private complain(code: string, detail: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) {
      if (this.hasLogged) return;
      this.hasLogged = true;
      return BashConnection.logger.warn(`a frame was refused and its client has left: ${code}: ${detail}`);
    }
    this.send(Buffer.from(JSON.stringify(bashError(code, detail))));
  }

  private close(): void {
    this.release();
    closeSocket(this.socket, CLOSE.slowConsumer);
  }
}
