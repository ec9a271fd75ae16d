import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { ServiceUnavailableException } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import type { DeferredInit } from './deferred-init.js';

/** Routes that exist only after the initialization. */
const DEFERRED_ROUTES = /^\/(api|v1|conversations)(\/|$)(?!init$)/;

/** Answers API requests with 503 and sockets with 403 until the server is initialized. */
export function refuseUntilReady(app: NestExpressApplication, init: DeferredInit): void {
  app.use((request: Request, _response: Response, next: NextFunction) => {
    if (!DEFERRED_ROUTES.test(request.path)) return next();
    const { state } = init.status;
    next(
      new ServiceUnavailableException(
        `server is in deferred-init state '${state}'; call POST /api/init first`,
      ),
    );
  });
  const server: Server = app.getHttpServer();
  server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
    if (!socket.writable) return;
    socket.on('error', () => socket.destroy());
    socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
}

/** Lets `next` answer all requests to the port of `waiting`. It need not listen itself. */
export function handOver(waiting: Server, next: Server): void {
  for (const event of ['request', 'upgrade'] as const) {
    waiting.removeAllListeners(event);
    waiting.on(event, (...args: unknown[]) => next.emit(event, ...args));
  }
}
