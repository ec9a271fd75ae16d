import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { type Principal, principalOf, type Requirement, SESSION } from '../../auth/index.js';
import { errorMessage } from '../../errors/index.js';
import { endToEndHeaders, type UpgradeRequest, withoutKeys } from '../../forwarding/index.js';
import { SocketGate } from '../../sockets/index.js';
import type { InnerServer } from '../fleet/inner-server.js';
import { ConversationContainers } from '../fleet/conversation-containers.js';
import { ContainerForwarder } from './container-forwarder.js';

/** Longest frame that is passed on (bytes), as the sockets of this server take it. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/** Longest wait for the frame with the key (ms). */
const KEY_MS = 10_000;
/** What may wait for a side that reads slowly (bytes), until the other side is not read any more. */
const MAX_WAITING_BYTES = 1024 * 1024;
const CODES = { failed: 1011, noKey: 4001, unknown: 4004 } as const;
/** To watch. What a client sends needs more. */
const REQUIRED: Requirement = { scope: 'read', own: true };
/** Of the handshake, what says how the socket of the container begins. */
const WITHHELD = [
  ...['authorization', 'cookie', 'host', 'origin', 'x-session-api-key'],
  ...['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-protocol'],
];

/** Sockets of conversations in containers. */
@Injectable()
export class ContainerSockets {
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });

  constructor(
    private readonly containers: ConversationContainers,
    private readonly forwarder: ContainerForwarder,
    private readonly gate: SocketGate,
  ) {}

  /**
   * Connects a socket with the container of its conversation.
   * @param authenticated false: its first frame must hold the key, before which no container is started
   * @returns false if the conversation is not in a container
   */
  forwardSocket(id: string, client: UpgradeRequest, authenticated: boolean): Promise<boolean> {
    return Promise.resolve(this.takes(id, client, authenticated));
  }

  private takes(id: string, client: UpgradeRequest, authenticated: boolean): boolean {
    if (!this.containers.has(id) || isShared(client.request)) return false;
    const { request, socket, head } = client;
    const principal = principalOf(request);
    // No conversation in a container belongs to such a key: for it there is none.
    if (principal?.reach === 'own') return false;
    if (authenticated && principal?.id === SESSION.id) {
      // Its frames pass unchanged, and as long as it is open nobody waits for it.
      void this.forwarder.forwardSocket(id, client);
      return true;
    }
    this.server.handleUpgrade(request, socket, head, (opened) => {
      opened.on('error', () => opened.terminate());
      opened.pause();
      if (authenticated && principal) void this.attach(id, client, opened, principal);
      else this.awaitKey(id, client, opened);
    });
    return true;
  }

  private awaitKey(id: string, client: UpgradeRequest, opened: WebSocket): void {
    const timer = setTimeout(() => opened.close(CODES.noKey, 'authentication_timeout'), KEY_MS);
    const forget = this.gate.trackUnauthenticated(() => opened.close(CODES.noKey, 'too_many_sockets'));
    opened.once('close', () => {
      clearTimeout(timer);
      forget();
    });
    opened.once('message', (data, isBinary) => {
      clearTimeout(timer);
      // What follows waits for the container.
      opened.pause();
      void this.afterKey(id, client, opened, bytesOf(data), isBinary).finally(forget);
    });
    opened.resume();
  }

  private async afterKey(
    id: string,
    client: UpgradeRequest,
    opened: WebSocket,
    frame: Buffer,
    isBinary: boolean,
  ): Promise<void> {
    const checked = await this.gate.checkFrame(frame, isBinary, client.request, REQUIRED);
    if ('refusal' in checked) return opened.close(checked.refusal.code, checked.refusal.reason);
    await this.attach(id, client, opened, checked.principal);
  }

  private async attach(
    id: string,
    { request }: UpgradeRequest,
    opened: WebSocket,
    principal: Principal,
  ): Promise<void> {
    if (principal.reach === 'own') return opened.close(CODES.unknown, 'not_found');
    opened.once(
      'close',
      this.gate.whenEnded(principal, () => opened.close(CODES.noKey, 'key_ended')),
    );
    try {
      const { container, release } = await this.containers.use(id);
      if (opened.readyState !== WebSocket.OPEN) return release();
      opened.once('close', release);
      bridge(opened, this.connect(container.server, request), principal.scope !== 'read');
    } catch (error) {
      opened.close(CODES.failed, errorMessage(error).slice(0, 100));
    }
  }

  private connect({ origin, key }: InnerServer, request: UpgradeRequest['request']): WebSocket {
    const target = withoutKeys(request.url ?? '/');
    const headers: Record<string, string> = { 'x-session-api-key': key };
    for (const [name, values] of Object.entries(endToEndHeaders(request, WITHHELD)))
      headers[name] = values.join(', ');
    return new WebSocket(new URL(target, origin.href.replace(/^http/, 'ws')), {
      headers,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
    });
  }
}

/**
 * Passes frames both ways until one side ends; the other one is closed, too. Frames of a client that may only
 * read are dropped: the container would take them for those of an administrator.
 */
function bridge(client: WebSocket, container: WebSocket, maySend: boolean): void {
  container.on('error', () => client.close(CODES.failed, 'container_unreachable'));
  container.once('open', () => client.resume());
  pass(client, container, maySend);
  pass(container, client, true);
}

function pass(from: WebSocket, to: WebSocket, isAllowed: boolean): void {
  from.on('message', (data, isBinary) => {
    if (!isAllowed || to.readyState !== WebSocket.OPEN) return;
    if (to.bufferedAmount > MAX_WAITING_BYTES) from.pause();
    to.send(bytesOf(data), { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount <= MAX_WAITING_BYTES) from.resume();
    });
  });
  from.once('close', (code, reason) => {
    // Codes from 1004 to 1006 and 1015 are never sent.
    const isSendable = code === 1000 || (code >= 1007 && code !== 1015 && code < 5000);
    if (to.readyState === WebSocket.CONNECTING) to.terminate();
    else to.close(isSendable ? code : 1000, reason);
  });
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}

/** Sockets of share links show what is stored here. */
function isShared({ url = '' }: IncomingMessage): boolean {
  return url.startsWith('/sockets/shared/');
}
