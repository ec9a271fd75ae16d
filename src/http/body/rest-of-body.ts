import type { NextFunction, Request, Response } from 'express';
import { hasBody } from './json-body.js';

/** More of a body that nobody wants is not read (bytes); twice the largest body that would be taken. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;
/** Nor is it read for longer than this (ms). */
const MAX_DROPPING_MS = 30_000;

/** Requests whose rest is being dropped. */
const dropped = new WeakSet<Request>();

/**
 * For an answer that is given before the body of its request has come: reads the rest and throws it away. A
 * client that is cut off while it sends finds its connection broken, and no answer. It is cut off after 64
 * MiB or 30 s all the same, and when it sends nothing for as long as a connection is kept for the next
 * request (`keepAliveTimeout` of Node, 5 s).
 */
export function dropRestOfBody(request: Request): void {
  if (!hasBody(request.headers) || request.complete || dropped.has(request)) return;
  dropped.add(request);
  const cutOff = (): void => void request.destroy();
  const timer = setTimeout(cutOff, MAX_DROPPING_MS).unref();
  let rest = MAX_DROPPED_BYTES;
  request.on('data', (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest < 0) cutOff();
  });
  request.on('close', () => clearTimeout(timer));
  request.on('error', () => undefined);
  // Whoever wanted to read it may have stopped it. Node drops without a limit what nobody has begun to read.
  request.resume().read(0);
}

/** Drops what handlers have left of a body, once they have answered. */
export function dropUnreadBody(request: Request, response: Response, next: NextFunction): void {
  if (hasBody(request.headers)) response.prependOnceListener('finish', () => dropRestOfBody(request));
  next();
}
