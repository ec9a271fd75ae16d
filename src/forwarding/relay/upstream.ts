import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { errorCode } from '../../errors/index.js';
import { traceHeaders } from '../../telemetry/index.js';
import type { RequestBody } from './request-body.js';

/** Longest wait for a connection (ms). */
const CONNECT_MS = 5_000;

/** Where requests are passed on to. */
export interface Upstream {
  /** Protocol, host and port. */
  origin: URL;
  /** Keeps connections open; false: each request has one of its own. */
  agent: Agent | false;
}

/** A request to pass on. */
export interface OutgoingRequest {
  upstream: Upstream;
  method: string;
  /** Path and query. */
  target: string;
  headers: Record<string, string | string[]>;
}

/** How far a request got that was not answered. */
type FailedPhase =
  /** All connections were in use. */
  | 'queue'
  /** There was no connection in time. */
  | 'connect-timeout'
  /** The connection was refused. */
  | 'connect'
  /** The connection was lost before the answer; the request may have been executed. */
  | 'answer';

/** An upstream did not answer. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  constructor(
    readonly phase: FailedPhase,
    /** The system's code, such as `ECONNREFUSED`. */
    readonly code: string,
    /** The connection was kept from an earlier request, and may have been closed before this one. */
    readonly wasKept = false,
  ) {
    super(`${phase}: ${code}`);
  }
}

/** An upstream refused an upgrade with this answer. */
interface RefusedUpgrade {
  refusal: IncomingMessage;
}

/** An upgraded connection to an upstream. */
export interface UpgradedConnection {
  answer: IncomingMessage;
  socket: Duplex;
  /** What was received after the headers. */
  head: Buffer;
}

/**
 * Sends a request and resolves with the headers of the answer. The answer may come before the whole body is
 * sent; when it ends, the rest is not sent.
 * @param stop ends the request, before or during the answer; its reason is thrown before the answer
 * @throws UpstreamError
 */
export function askUpstream(
  outgoing: OutgoingRequest,
  body: RequestBody,
  stop: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown): void => {
      body.stop();
      reject(reason);
    };
    // Not before: a body that was read cannot be served here when there is no connection.
    const sent = begin(outgoing, stop, fail, (connected) => body.sendTo(connected));
    sent?.once('response', (answer) => {
      const finish = (): void => {
        body.stop();
        if (!sent.writableFinished) sent.destroy();
      };
      // At its end at once: whoever answers the client then discards the rest of the body.
      answer.once('end', finish).once('close', finish);
      resolve(answer);
    });
  });
}

/**
 * Requests a WebSocket upgrade. Resolves with the connection, or with the answer that refuses it.
 * @param stop ends the request, also during a refusal; an upgraded connection is the caller's
 * @throws UpstreamError; the reason of `stop`
 */
export function askUpgrade(
  outgoing: OutgoingRequest,
  stop: AbortSignal,
): Promise<UpgradedConnection | RefusedUpgrade> {
  return new Promise((resolve, reject) => {
    const headers = { ...outgoing.headers, connection: 'Upgrade', upgrade: 'websocket' };
    const sent = begin({ ...outgoing, headers }, stop, reject);
    sent?.once('response', (refusal) => resolve({ refusal }));
    sent?.once('upgrade', (answer, socket, head) => {
      // It may fail before and after it is connected to the client.
      socket.on('error', () => socket.destroy());
      resolve({ answer, socket, head });
    });
    sent?.end();
  });
}

/**
 * Begins a request; undefined if it was stopped before.
 * @param onConnected is called when it has a connection
 */
function begin(
  { upstream: { origin, agent }, method, target, headers }: OutgoingRequest,
  stop: AbortSignal,
  reject: (reason: unknown) => void,
  onConnected: (sent: ClientRequest) => void = () => undefined,
): ClientRequest | undefined {
  if (stop.aborted) {
    reject(stop.reason);
    return undefined;
  }
  const isSecure = origin.protocol === 'https:';
  const sent = (isSecure ? httpsRequest : httpRequest)({
    protocol: origin.protocol,
    host: origin.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: origin.port,
    ...{ path: target, method, headers: { ...headers, ...traceHeaders() }, agent },
  });
  let phase: FailedPhase = 'queue';
  /** A request that waits for a connection reports its end only when it gets one. */
  const end = (reason: () => unknown): void => {
    sent.destroy();
    if (phase === 'queue') reject(reason());
  };
  const timer = setTimeout(() => {
    if (phase === 'connect') phase = 'connect-timeout';
    end(() => new UpstreamError('queue', 'ETIMEDOUT'));
  }, CONNECT_MS);
  const connected = (): void => {
    phase = 'answer';
    clearTimeout(timer);
    onConnected(sent);
  };
  sent.once('socket', (socket) => {
    if (!socket.connecting) return connected();
    phase = 'connect';
    socket.once(isSecure ? 'secureConnect' : 'connect', connected);
  });
  const leave = (): void => end(() => stop.reason);
  stop.addEventListener('abort', leave, { once: true });
  sent.once('close', () => {
    clearTimeout(timer);
    stop.removeEventListener('abort', leave);
  });
  sent.on('error', (error) => {
    const code = errorCode(error) ?? error.message;
    reject(stop.aborted ? stop.reason : new UpstreamError(phase, code, sent.reusedSocket));
  });
  return sent;
}
