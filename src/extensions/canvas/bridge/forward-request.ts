import { request as ask, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { BadGatewayException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { requestHeaders, responseHeaders } from './forwarded-headers.js';

/** Whom a request goes to. */
export interface Upstream {
  port: number;
  /** Path and query. */
  target: string;
}

const NOT_MODIFIED = 304;

/**
 * Passes a request on to a program of this machine and its answer back, as both come: bodies are streams, and
 * who is slow slows the other one down. Resolves when the answer is out.
 * @throws BadGatewayException while nothing was answered yet
 */
export async function forwardRequest(
  request: Request,
  response: Response,
  upstream: Upstream,
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  const answer = await answerOf(request, upstream, left.signal);
  // Who asked is gone.
  if (answer === undefined) return;
  const status = answer.statusCode ?? 502;
  if (status >= 300 && status < 400 && status !== NOT_MODIFIED) {
    answer.destroy();
    throw new BadGatewayException('Upstream redirect is not allowed');
  }
  response.status(status);
  for (const [name, values] of Object.entries(responseHeaders(answer))) {
    if (name === 'vary') response.appendHeader(name, values);
    // What the server itself says of other origins holds.
    else if (!name.startsWith('access-control-') || !response.hasHeader(name))
      response.setHeader(name, values);
  }
  // An answer that breaks off breaks off for the client, too.
  await pipeline(answer, response).catch(() => undefined);
}

/** The beginning of the answer; undefined when the client has left before. */
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
    // A back end may answer before it has read everything: what it does not want is not sent.
    pipeline(request, asked).catch(() => undefined);
  });
}

/** A body of unknown length stays one; without a body there is nothing to say. */
function framing({ headers }: IncomingMessage): Record<string, string> {
  return headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
}
