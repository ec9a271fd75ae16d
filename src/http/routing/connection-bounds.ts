import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/**
 * Requests of one connection that may wait for the answer to an earlier one; few clients send any before they
 * have it.
 */
const MAX_WAITING = 32;
/** So long a client may take nothing of an answer (ms) of which more than this waits in memory (bytes). */
const MAX_STALL_MS = 60_000;
const MAX_STALLED_BYTES = 1024 * 1024;

/**
 * Bounds what one connection may ask for before it takes its answers. Node has all requests of a pipeline
 * worked on at the same time, tells those that wait behind another nothing of the end of their connection,
 * and has endless patience with a client that does not read. Here they begin one after the other.
 * @param server gets a time-out for each connection; a listener for each request would cost more than it
 */
export function boundConnections(server: Server, stallMs = MAX_STALL_MS): RequestHandler {
  /** What waits, of each connection with an open request. */
  const queues = new WeakMap<Socket, (() => void)[]>();
  // Nothing moved on a connection for so long, or, with no open request, for the server's keep-alive time.
  server.setTimeout(stallMs, (socket: Socket) => {
    if (!queues.has(socket) || socket.writableLength > MAX_STALLED_BYTES) socket.destroy();
    else socket.setTimeout(stallMs);
  });
  const begin = (socket: Socket, response: Response, next: NextFunction): void => {
    response.once('close', () => {
      const following = socket.destroyed ? undefined : queues.get(socket)?.shift();
      if (following) following();
      else queues.delete(socket);
    });
    next();
  };
  return ({ socket }: Request, response, next) => {
    if (socket.destroyed) return;
    const queue = queues.get(socket);
    if (!queue) {
      queues.set(socket, []);
      begin(socket, response, next);
    } else if (queue.length < MAX_WAITING) queue.push(() => begin(socket, response, next));
    else socket.destroy();
  };
}
