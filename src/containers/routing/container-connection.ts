import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { WebSocket, type RawData } from 'ws';
import { refusalOf, type Requirement } from '../../auth/index.js';
import { errorMessage } from '../../errors/index.js';
import { endToEndHeaders, withoutKeys } from '../../forwarding/index.js';
import {
  CLOSE,
  closeSocket,
  type KeyAdmission,
  KeyedConnection,
  MAX_INBOUND_FRAME_BYTES,
  readClientFrame,
  readTerminalFrame,
  type SocketGate,
} from '../../sockets/index.js';
import type { KeyAccounts } from '../accounts/key-accounts.js';
import type { ConversationContainers } from '../fleet/conversation-containers.js';
import type { InnerServer } from '../fleet/inner-server.js';

/** Containers that a socket is connected with: the running one, and once a new one. */
const MAX_CONTAINERS = 2;
/** Longest wait for the answer of a container to a handshake (ms). */
const ANSWER_MS = 10_000;
/** Time for a container to take the last frames of a client that has left (ms). */
const LAST_FRAMES_MS = 5_000;
/** What may wait for a client that reads slowly (bytes), until its container is not read any more. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** What a key needs to send. */
const SEND: Requirement = { scope: 'write', own: true };
const MESSAGE = 'Socket_message';
const TYPING = 'Socket_typing';
/** Names the key of this server in a frame. */
const KEY_FIELD = 'session_api_key';
/** Of the handshake: keys, and what says how the socket of the container begins. */
const WITHHELD = [
  ...['authorization', 'cookie', 'host', 'origin', 'referer', 'x-session-api-key'],
  ...['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-protocol'],
];

/** What was decided about a handshake. */
interface ContainerAdmission extends KeyAdmission {
  conversationId: string;
}

/** What a connection works with. */
interface ConnectionParts {
  gate: SocketGate;
  containers: Pick<ConversationContainers, 'use' | 'lost' | 'records'>;
  accounts: KeyAccounts;
}

/**
 * A client's socket on a conversation in a container: passes frames both ways until one side ends. Frames of
 * the client are checked, counted and recorded as those of other sockets. The container never sees its key.
 */
export class ContainerConnection extends KeyedConnection {
  private static readonly logger = new Logger('Containers');
  private container: WebSocket | undefined;
  private releaseContainer: () => void = () => undefined;
  private hasTyped = false;

  constructor(
    socket: WebSocket,
    private readonly request: IncomingMessage,
    private readonly admission: ContainerAdmission,
    private readonly parts: ConnectionParts,
  ) {
    super(socket, { admission, gate: parts.gate, request });
  }

  get isAttached(): boolean {
    return this.container !== undefined;
  }

  /** What the client has sent is still passed on. */
  override release(): void {
    super.release();
    const timer = setTimeout(() => this.container?.terminate(), LAST_FRAMES_MS);
    void this.handled().then(() => {
      clearTimeout(timer);
      this.container?.close();
      this.releaseContainer();
    });
  }

  async attach(): Promise<void> {
    const { records } = this.parts.containers;
    if (this.principal && !records.isVisible(this.admission.conversationId, this.principal))
      return closeSocket(this.socket, CLOSE.conversationNotFound);
    try {
      this.container = await this.reach();
    } catch (error) {
      this.warn('a socket was not connected', error);
      closeSocket(this.socket, CLOSE.subscribeFailed);
    }
  }

  async handle(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.isTerminal) return this.handleTerminal(data, isBinary);
    const frame = isBinary ? undefined : await readClientFrame(data);
    if (frame?.type === 'auth') return;
    const { principal, request } = this;
    const { conversationId } = this.admission;
    const { accounting } = this.parts.gate;
    if (principal && refusalOf(principal, SEND) !== undefined)
      return accounting.recordRefusal(request, principal, 403, MESSAGE);
    // What is no message is answered by the container, unless it holds a key.
    let passed = data;
    if (data.includes(KEY_FIELD)) {
      if (frame?.type !== 'message') return;
      passed = Buffer.from(JSON.stringify(frame.message));
    }
    const act = { principal, request, operation: MESSAGE, conversationId } as const;
    await accounting.perform(act, async () => {
      const settle = frame?.type === 'message' ? this.parts.accounts.beginRun(conversationId) : undefined;
      let isAccepted = false;
      try {
        await this.send(passed, isBinary);
        isAccepted = true;
      } finally {
        settle?.(isAccepted);
      }
    });
  }

  /** Whether it is the socket of a terminal, where each key that is pressed is a frame. */
  private get isTerminal(): boolean {
    return this.request.url?.startsWith('/sockets/terminals/') === true;
  }

  /** The first input counts as a request of its key, and is recorded. Confirmations need no right. */
  private async handleTerminal(data: Buffer, isBinary: boolean): Promise<void> {
    const { principal, request } = this;
    const frame = isBinary ? undefined : readTerminalFrame(data);
    if (!isBinary && (frame?.type === 'auth' || data.includes(KEY_FIELD))) return;
    const { accounting } = this.parts.gate;
    if (frame?.type !== 'ack' && principal && refusalOf(principal, SEND) !== undefined)
      return accounting.recordRefusal(request, principal, 403, TYPING);
    const { conversationId } = this.admission;
    if (isBinary && !this.hasTyped)
      await accounting.perform({ principal, request, operation: TYPING, conversationId }, () =>
        Promise.resolve(),
      );
    this.hasTyped ||= isBinary;
    await this.send(data, isBinary);
  }

  /** A key that has reached a limit, an audit log that cannot be written, or a container that has ended. */
  failed(error: unknown): void {
    this.warn('a frame was not passed on', error);
    closeSocket(this.socket, CLOSE.frameRefused);
  }

  /** Connects with the container; with a new one if the known one has ended. */
  private async reach(): Promise<WebSocket> {
    const { conversationId } = this.admission;
    for (let attempt = 1; ; attempt += 1) {
      const { container, release } = await this.parts.containers.use(conversationId);
      try {
        const connected = await this.connect(container.server);
        this.releaseContainer = release;
        return connected;
      } catch (error) {
        release();
        if (attempt === MAX_CONTAINERS) throw error;
        await this.parts.containers.lost(conversationId, container);
      }
    }
  }

  private connect({ origin, key }: InnerServer): Promise<WebSocket> {
    const target = withoutKeys(this.request.url ?? '/');
    const headers: Record<string, string> = { 'x-session-api-key': key };
    for (const [name, values] of Object.entries(endToEndHeaders(this.request, WITHHELD)))
      headers[name] = values.join(', ');
    const container = new WebSocket(new URL(target, origin.href.replace(/^http/, 'ws')), {
      headers,
      maxPayload: MAX_INBOUND_FRAME_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: ANSWER_MS,
    });
    container.on('message', (data, isBinary) => this.passToClient(container, bytesOf(data), isBinary));
    return new Promise((resolve, reject) => {
      container.on('error', reject);
      container.once('open', () => {
        container.once('close', (code, reason) => this.closeLike(code, reason));
        resolve(container);
      });
    });
  }

  private passToClient(container: WebSocket, data: Buffer, binary: boolean): void {
    const { socket } = this;
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(data, { binary }, () => {
      if (container.isPaused && socket.bufferedAmount <= MAX_WAITING_BYTES) container.resume();
    });
    if (socket.bufferedAmount > MAX_WAITING_BYTES) container.pause();
  }

  /** Resolves when the container has room for more. */
  private send(data: Buffer, binary: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.container?.send(data, { binary }, (error) => (error ? reject(error) : resolve()));
    });
  }

  private closeLike(code: number, reason: Buffer): void {
    if (code === ABNORMAL) return closeSocket(this.socket, CLOSE.subscribeFailed);
    if (this.socket.readyState !== WebSocket.OPEN) return;
    // Other codes below 3000 are never sent, or not by servers.
    const isSendable = code === 1000 || (code >= 1007 && code <= 1014) || (code >= 3000 && code < 5000);
    this.socket.close(isSendable ? code : 1000, reason);
  }

  private warn(what: string, error: unknown): void {
    const { conversationId } = this.admission;
    ContainerConnection.logger.warn(`conversation ${conversationId}: ${what}: ${errorMessage(error)}`);
  }
}

/** The connection has ended without a closing handshake. */
const ABNORMAL = 1006;

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
