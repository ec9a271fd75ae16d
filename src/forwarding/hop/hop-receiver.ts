import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { RequestHandler } from 'express';
import { refuseUpgrade, remoteAddress, setRemoteAddress, setVouchedKey } from '../../auth/index.js';
import {
  type Hop,
  HOP_HEADER,
  MISDIRECTED,
  MOVED,
  type PassProblem,
  type PassReader,
  REFUSED,
} from './hop-pass.js';

/** Requests that another server of the cluster has passed on. */
const hops = new WeakMap<IncomingMessage, Hop>();

const DETAILS: Readonly<Record<PassProblem, string>> = {
  forged: 'The header X-OpenHands-Hop is only for the servers of one cluster, which have the same key',
  expired: 'The header X-OpenHands-Hop is too old, or the clocks of the servers differ by more than a minute',
  repeated: 'The header X-OpenHands-Hop was used before',
};
const NOT_HERE = 'This server does not have the conversation any more';
const NOT_ME = 'Another server was started at this address, or has the same server_url';
const MISDIRECTED_REQUEST = 421;
/** Most addresses that are named in the log. */
const MAX_REPORTED = 100;

/** The server that has passed a request on; undefined if the client has sent it to this one. */
export function hopOf(request: IncomingMessage): Hop | undefined {
  return hops.get(request);
}

/** Why a request of another server is not served, and the value of the header that tells it. */
interface Refusal {
  status: number;
  detail: string;
  reason: string;
}

/** The answer to a server that looks for a conversation here which is not here any more. */
export function movedAway(): Refusal {
  return { status: MISDIRECTED_REQUEST, detail: NOT_HERE, reason: MOVED };
}

/**
 * Recognises requests and upgrades that another server of the cluster has passed on, and refuses those that
 * only pretend to be. From then on they look as the client has sent them: with its address and the host that
 * it has asked for. Its origin and all limits are checked again, as for any other request, and so is its key;
 * of a named key, whose check takes work, only whether it is still valid. Comes before everything that looks
 * at a request.
 */
export class HopReceiver {
  private readonly logger = new Logger('Forwarding');
  private readonly reported = new Set<string>();

  constructor(
    private readonly passes: PassReader,
    /** This server. */
    private readonly selfId: string,
  ) {}

  /** Checks the upgrades of a server, before its other listeners. */
  guardUpgrades(server: Server): void {
    server.prependListener('upgrade', (request: IncomingMessage, socket: Duplex) => {
      if (!socket.writable) return;
      const refusal = this.recognise(request);
      if (refusal) refuseUpgrade(socket, refusal.status, refusal.detail, { [HOP_HEADER]: refusal.reason });
    });
  }

  readonly middleware: RequestHandler = (request, response, next) => {
    const refusal = this.recognise(request);
    if (!refusal) return next();
    response.setHeader(HOP_HEADER, refusal.reason);
    response.status(refusal.status).json({ detail: refusal.detail });
  };

  private recognise(request: IncomingMessage): Refusal | undefined {
    if (request.headers[HOP_HEADER] === undefined) return undefined;
    const { [HOP_HEADER]: given, ...headers } = request.headers;
    request.headers = headers;
    const hop = this.passes.read(request.method ?? '', request.url ?? '', String(given));
    if (typeof hop === 'string') {
      this.report(request, hop);
      return { status: 403, detail: DETAILS[hop], reason: REFUSED };
    }
    // A server that was started again at the same address is another one.
    if (hop.to !== this.selfId) return { status: MISDIRECTED_REQUEST, detail: NOT_ME, reason: MISDIRECTED };
    hops.set(request, hop);
    if (hop.key !== null) setVouchedKey(request, hop.key);
    if (hop.client !== null) setRemoteAddress(request, hop.client);
    request.headers.host = hop.host ?? undefined;
    return undefined;
  }

  private report(request: IncomingMessage, problem: PassProblem): void {
    const from = `${problem} ${remoteAddress(request)}`;
    if (this.reported.has(from) || this.reported.size >= MAX_REPORTED) return;
    this.reported.add(from);
    this.logger.warn(`refused a request of ${remoteAddress(request)}: ${DETAILS[problem]}`);
  }
}
