import { request as ask, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { BadGatewayException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { requestHeaders, responseHeaders } from './forwarded-headers.js';

/** The target of a forwarded request. */
export interface Upstream {
  port: number;
  /** Path and query. */
  target: string;
}

const NOT_MODIFIED = 304;

/**
 * Forwards a request to a local program and streams its answer back, with backpressure both ways. Resolves
 * when the answer is sent.
 * @throws BadGatewayException if the program fails before it answers
 */
export async function forwardRequest(
  request: Request,
  response: Response,
  upstream: Upstream,
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  const answer = await answerOf(request, upstream, left.signal);
  // The client has disconnected.
  if (answer === undefined) return;
  const status = answer.statusCode ?? 502;
  if (status >= 300 && status < 400 && status !== NOT_MODIFIED) {
    answer.destroy();
    throw new BadGatewayException('Upstream redirect is not allowed');
  }
  response.status(status);
  for (const [name, values] of Object.entries(responseHeaders(answer))) {
    if (name === 'vary') response.appendHeader(name, values);
    // The server's own CORS headers take precedence.
    else if (!name.startsWith('access-control-') || !response.hasHeader(name))
      response.setHeader(name, values);
  }
  // An aborted answer is aborted for the client, too.
  await pipeline(answer, response).catch(() => undefined);
}

/** Resolves with the response headers; undefined if the client disconnected before. */
function answerOf(
  request: Request,
  { port, target }: Upstream,
  left: AbortSignal,
): Promise<IncomingMessage | undefined> {
  return new Promise((resolve, reject) => {
    const headers = requestHeaders(request);
    const asked = ask({
      ...{ host: '127.0.0.1', port, path: target, method: request.method, agent: false },
      headers: { ...headers, host: `127.0.0.1:${port}`, ...framing(request) },
    });
    const leave = (): void => void asked.destroy();
    left.addEventListener('abort', leave, { once: true });
    asked.once('response', resolve);
    asked.on('error', () => {
      if (left.aborted) resolve(undefined);
      else reject(new BadGatewayException('Canvas App backend unreachable'));
    });
    // The back end may answer before it has read the whole body; the rest is not sent.
    pipeline(request, asked).catch(() => undefined);
  });
}

/** Keeps chunked encoding for a body of unknown length. */
function framing({ headers }: IncomingMessage): Record<string, string> {
  return headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
}
