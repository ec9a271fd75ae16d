import type { Request, Response } from 'express';
import { hasBody } from './json-body.js';

/** More of a body that nobody wants is not waited for (bytes). */
const MOST = 64 * 1024 * 1024;

/**
 * For an answer that is given before the body of its request has come: reads the rest and throws it away. A client that is cut off
 * while it sends finds its connection broken, and no answer. Nobody is waited for who has much more to send.
 */
export function dropRestOfBody(request: Request, response: Response): void {
  if (!hasBody(request.headers) || request.complete) return;
  if (Number(request.headers['content-length'] ?? 0) > MOST) {
    response.setHeader('Connection', 'close');
    return;
  }
  let rest = MOST;
  request.on('data', (chunk: Buffer) => {
    rest -= chunk.length;
    if (rest < 0) request.destroy();
  });
  request.on('error', () => undefined);
  // Whoever wanted to read it may have stopped it.
  request.resume();
}
