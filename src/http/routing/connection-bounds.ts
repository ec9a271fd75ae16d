import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** Pipelined requests of one connection that may wait for the answer to an earlier one. */
const MAX_PIPELINED = 32;
/**
 * Longest time (ms) for which a client may not read while more than `MAX_STALLED_BYTES` are buffered for it.
 */
const MAX_STALL_MS = 60_000;
const MAX_STALLED_BYTES = 1024 * 1024;

/**
 * Bounds the work and memory of one connection. Node starts all requests of a pipeline at once, does not
 * notify those behind the first of a closed connection, and never disconnects a client that does not read.
 * With this middleware, requests of a connection run one after the other, and stalled clients are
 * disconnected.
 * @param server has its socket timeout set
 */
export function boundConnections(server: Server, stallMs = MAX_STALL_MS): RequestHandler {
  /** Pending requests of each connection that has an open one. */
  const queues = new WeakMap<Socket, (() => void)[]>();
  // Without an open request, the timeout is the server's keep-alive time.
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
    } else if (queue.length < MAX_PIPELINED) queue.push(() => begin(socket, response, next));
    else socket.destroy();
  };
}
