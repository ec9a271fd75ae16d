import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { refusalOf, type Requirement } from '../../auth/index.js';
import type { Ownership } from '../../conversations/index.js';
import { DomainError, errorMessage, errorStack } from '../../errors/index.js';
import type { AttachedViewer, ReaderSink, Terminal, TerminalNotice } from '../../terminals/index.js';
import { readTerminalFrame } from '../frames/terminal-frame.js';
import type { KeyAdmission } from '../handshake/key-admission.js';
import type { SocketGate } from '../handshake/socket-gate.js';
import { CLOSE, closeSocket } from './close-code.js';
import { KeyedConnection } from './socket-connection.js';
import type { SocketLimits } from './socket-limits.js';

/** What was decided about a handshake. */
export interface TerminalAdmission extends KeyAdmission {
  terminalId: string;
  /** The same, if it is one of no conversation: another server may have it. */
  serverTerminalId?: string;
  /** Absent: any terminal of the server, for administrators. */
  conversationId?: string;
  /** Offset of the first byte to send; undefined: all that is kept. */
  after: number | undefined;
}

interface Sources {
  readonly terminals: { get(id: string, conversationId: string | undefined): Terminal };
  readonly ownership: Pick<Ownership, 'assertVisible'>;
  readonly gate: SocketGate;
  readonly limits: SocketLimits;
}

/** Longest frame of input (bytes). */
const MAX_INPUT_BYTES = 2 * 1024 * 1024;
/** Notices that may wait for a client that does not read (bytes). */
const MAX_PENDING_NOTICES = 1024 * 1024;
/** What the audit log calls the first input of a socket. */
const TYPING = 'Socket_typing';

/** What a key needs to type into a terminal and to resize it. */
export const TYPING_SCOPES: Readonly<Record<'conversation' | 'server', Requirement>> = {
  conversation: { scope: 'write', own: true },
  server: { scope: 'admin', own: false },
};

/** A client's socket on a terminal: its bytes as binary frames, everything else as JSON. */
export class TerminalConnection extends KeyedConnection implements ReaderSink {
  private static readonly logger = new Logger(TerminalConnection.name);
  private terminal: Terminal | undefined;
  private viewer: AttachedViewer | undefined;
  private attached = false;
  private hasTyped = false;

  constructor(
    socket: WebSocket,
    private readonly request: IncomingMessage,
    private readonly admission: TerminalAdmission,
    private readonly sources: Sources,
  ) {
    super(socket, { admission, gate: sources.gate, request });
  }

  get isAttached(): boolean {
    return this.attached;
  }

  override release(): void {
    super.release();
    this.viewer?.detach();
  }

  async attach(): Promise<void> {
    const { terminals, ownership, limits } = this.sources;
    const { terminalId, conversationId, after } = this.admission;
    try {
      if (this.principal && conversationId !== undefined)
        await ownership.assertVisible(conversationId, this.principal);
      const terminal = terminals.get(terminalId, conversationId);
      if (
        this.socket.readyState === WebSocket.OPEN &&
        terminal.viewerCount >= limits.subscribersPerConversation
      )
        return closeSocket(this.socket, CLOSE.tooManyListeners);
      this.terminal = terminal;
      this.attached = true;
      if (this.socket.readyState !== WebSocket.OPEN) return;
      const shown = { name: this.principal?.name ?? '', can_type: this.typingRefusal() === undefined };
      this.viewer = terminal.attach(this, shown, after);
    } catch (error) {
      if (!(error instanceof DomainError)) this.failed(error);
      const isUnknown = error instanceof DomainError && error.kind === 'not-found';
      closeSocket(this.socket, isUnknown ? CLOSE.terminalNotFound : CLOSE.subscribeFailed);
    }
  }

  async handle(data: Buffer, isBinary: boolean): Promise<void> {
    const { terminal } = this;
    if (!terminal) return;
    if (isBinary) return this.type(terminal, data);
    const frame = readTerminalFrame(data);
    if (frame.type === 'auth') return;
    if (frame.type === 'invalid') return this.sendError(frame.code, frame.detail);
    if (frame.type === 'ack') return this.viewer?.confirm(frame.offset);
    if (this.mayType(terminal)) terminal.resize({ rows: frame.rows, cols: frame.cols });
  }

  failed(error: unknown): void {
    TerminalConnection.logger.error('handling a frame failed', errorStack(error));
  }

  send(bytes: Buffer, taken: () => void): void {
    // `ws` also calls back when the socket closes or fails.
    this.socket.send(bytes, { binary: true }, taken);
  }

  notify(notice: TerminalNotice): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MAX_PENDING_NOTICES) return closeSocket(this.socket, CLOSE.slowConsumer);
    this.socket.send(JSON.stringify(notice));
  }

  finish(): void {
    closeSocket(this.socket, CLOSE.terminalEnded);
  }

  private async type(terminal: Terminal, data: Buffer): Promise<void> {
    if (data.length > MAX_INPUT_BYTES)
      return this.sendError('ValueError', `A frame of input has at most ${MAX_INPUT_BYTES} bytes`);
    if (!this.mayType(terminal)) return;
    if (!this.hasTyped && !(await this.record())) return;
    this.hasTyped = true;
    await terminal.write(data);
  }

  /** The first input counts as a request of its key, and is recorded. */
  private async record(): Promise<boolean> {
    const { principal, request } = this;
    const { conversationId } = this.admission;
    const act = {
      principal,
      request,
      operation: TYPING,
      ...(conversationId !== undefined && { conversationId }),
    } as const;
    try {
      await this.sources.gate.accounting.perform(act, () => Promise.resolve());
      return true;
    } catch (error) {
      this.sendError(error instanceof DomainError ? error.name : 'InternalServerError', errorMessage(error));
      return false;
    }
  }

  private mayType(terminal: Terminal): boolean {
    const refusal = this.typingRefusal();
    if (refusal !== undefined) {
      this.sources.gate.accounting.recordRefusal(this.request, this.principal, 403, TYPING);
      this.sendError('PermissionError', refusal);
      return false;
    }
    try {
      terminal.assertTypable();
      return true;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.sendError(error.name, error.message);
      return false;
    }
  }

  private typingRefusal(): string | undefined {
    const scope = this.admission.conversationId === undefined ? 'server' : 'conversation';
    return this.principal && refusalOf(this.principal, TYPING_SCOPES[scope]);
  }

  private sendError(code: string, detail: string): void {
    this.notify({ type: 'error', code, detail });
  }
}
