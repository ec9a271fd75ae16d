import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { principalOf, refusalOf, refuseUpgrade, type Requirement } from '../../auth/index.js';
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
const CODES = { failed: 1011, policy: 1008, noKey: 4001 } as const;
/** Frames pass unchanged, and may steer. Keys of reach `own` have no conversations in containers. */
const REQUIRED: Requirement = { scope: 'write', own: false };
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
  async forwardSocket(id: string, client: UpgradeRequest, authenticated: boolean): Promise<boolean> {
    if (!this.containers.has(id) || isShared(client.request)) return false;
    if (authenticated) {
      const principal = principalOf(client.request);
      const refusal = principal ? refusalOf(principal, REQUIRED) : 'A key is needed';
      if (refusal !== undefined) {
        refuseUpgrade(client.socket, 403, refusal);
        return true;
      }
      // Its frames pass unchanged, and as long as it is open nobody waits for it.
      void this.forwarder.forwardSocket(id, client);
      return true;
    }
    const { request, socket, head } = client;
    this.server.handleUpgrade(request, socket, head, (opened) => this.awaitKey(id, client, opened));
    return Promise.resolve(true);
  }

  private awaitKey(id: string, client: UpgradeRequest, opened: WebSocket): void {
    const timer = setTimeout(() => opened.close(CODES.noKey, 'authentication_timeout'), KEY_MS);
    const forget = this.gate.trackUnauthenticated(() => opened.close(CODES.noKey, 'too_many_sockets'));
    opened.on('error', () => opened.terminate());
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
  }

  private async afterKey(
    id: string,
    { request }: UpgradeRequest,
    opened: WebSocket,
    frame: Buffer,
    isBinary: boolean,
  ): Promise<void> {
    const checked = await this.gate.checkFrame(frame, isBinary, request, REQUIRED);
    if ('refusal' in checked) return opened.close(checked.refusal.code, checked.refusal.reason);
    try {
      const { container, release } = await this.containers.use(id);
      opened.once('close', release);
      if (opened.readyState !== WebSocket.OPEN) return release();
      bridge(opened, this.connect(container.server, request));
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

/** Passes frames both ways until one side ends; the other one is closed, too. */
function bridge(client: WebSocket, container: WebSocket): void {
  container.on('error', () => client.close(CODES.failed, 'container_unreachable'));
  container.once('open', () => client.resume());
  pass(client, container);
  pass(container, client);
}

function pass(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, isBinary) => {
    if (to.readyState !== WebSocket.OPEN) return;
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
