import type { IncomingMessage } from 'node:http';
import { endToEndHeaders, type ForwardedHeaders, type OutgoingRequest } from '../../../forwarding/index.js';

/** Headers with credentials for this server, and those that this server sets or answers itself. */
const WITHHELD = ['authorization', 'cookie', 'host', 'x-session-api-key', 'x-init-api-key', 'expect'];

/** The address of a request at a back end, which is a local program. */
export interface BackendTarget {
  port: number;
  /** Path and query. */
  target: string;
}

/** The request for a back end: with the client's headers, but without its credentials for this server. */
export function backendRequest(request: IncomingMessage, { port, target }: BackendTarget): OutgoingRequest {
  const origin = new URL(`http://127.0.0.1:${port}`);
  const headers = { ...endToEndHeaders(request, WITHHELD), host: origin.host };
  return { upstream: { origin, agent: false }, method: request.method ?? 'GET', target, headers };
}

/** Headers of a back end's answer that are forwarded: no cookies, because the origin is shared. */
export function backendAnswerHeaders(answer: IncomingMessage): ForwardedHeaders {
  return endToEndHeaders(answer, ['set-cookie', 'set-cookie2']);
}
