import type { Request } from 'express';
import { hasBody } from './json-body.js';

/** More of a body that nobody wants is not waited for (bytes). */
const MOST = 64 * 1024 * 1024;

/**
 * For an answer that is given before the body of its request has come: reads the rest and throws it away. A client that is cut off
 * while it sends finds its connection broken, and no answer. Who has sent 64 MiB more is cut off all the same, and so is who sends
 * nothing for as long as a connection is kept for the next request (`keepAliveTimeout` of Node, 5 s).
 */
export function dropRestOfBody(request: Request): void {
  if (!hasBody(request.headers) || request.complete) return;
  let rest = MOST;
  request.on('data', (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest < 0) request.destroy();
  });
  request.on('error', () => undefined);
  // Whoever wanted to read it may have stopped it.
  request.resume();
}
