import type { NextFunction, Request, Response } from 'express';
import { hasBody } from './json-body.js';

/** Most bytes of an unwanted body that are read and discarded. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;
/** Longest time for which an unwanted body is read (ms). */
const MAX_DROPPING_MS = 30_000;

/** Requests whose body is being discarded. */
const dropped = new WeakSet<Request>();

/**
 * Reads and discards the rest of a body whose request is answered early. A client that is disconnected while
 * it sends would see a broken connection instead of the answer. It is disconnected nevertheless after 64 MiB
 * or 30 s, or when it sends nothing for Node's `keepAliveTimeout` (5 s).
 */
export function dropRestOfBody(request: Request): void {
  if (!hasBody(request.headers) || request.complete || dropped.has(request)) return;
  dropped.add(request);
  const disconnect = (): void => void request.destroy();
  const timer = setTimeout(disconnect, MAX_DROPPING_MS).unref();
  const { res: response } = request;
  // After an answer to `Connection: close` Node would disconnect at once. The client does so itself.
  if (response && !response.headersSent) response.shouldKeepAlive = true;
  let rest = MAX_DROPPED_BYTES;
  request.on('data', (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest < 0) disconnect();
  });
  request.on('close', () => clearTimeout(timer));
  request.on('error', () => undefined);
  // An earlier reader may have paused it. `read(0)`: Node itself discards, without a limit, what nobody
  // reads.
  request.resume().read(0);
}

/** Discards what a handler has not read of a body once it has answered. */
export function dropUnreadBody(request: Request, response: Response, next: NextFunction): void {
  if (hasBody(request.headers)) response.prependOnceListener('finish', () => dropRestOfBody(request));
  next();
}
