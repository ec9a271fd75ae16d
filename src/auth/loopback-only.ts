import { BlockList, isIPv4, type Socket } from 'node:net';
import type { IncomingMessage, Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import type { AppConfig } from '../config/index.js';

const HOW_TO =
  'This server has no session key, so it serves only this machine. Set SESSION_API_KEY to require a key, ' +
  'or start it with --host 0.0.0.0 to open it to everybody who can reach it.';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** A server without keys that was not opened on purpose (`--host`) serves its own machine only. */
export function isLoopbackOnly(config: AppConfig): boolean {
  return config.session_api_keys.length === 0 && !config.listen.hostGiven;
}

/** Refuses peers from elsewhere with 403 and what to do about it: requests of any kind, and sockets. */
export function serveLoopbackOnly(app: NestExpressApplication): void {
  app.use((request: Request, response: Response, next: NextFunction) => {
    if (isLoopback(request.socket.remoteAddress)) return next();
    response.status(403).json({ detail: HOW_TO });
  });
  const server: Server = app.getHttpServer();
  // Before the gateways' listener, which then finds the connection closed and leaves it.
  server.prependListener('upgrade', (request: IncomingMessage, socket: Socket) => {
    if (isLoopback(request.socket.remoteAddress)) return;
    const body = JSON.stringify({ detail: HOW_TO });
    const head = `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: application/json\r\n`;
    socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
  });
}

/** The address is this machine's own; IPv4 addresses also in their IPv6 form. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const bare = address.replace(/^::ffff:/i, '');
  return loopback.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6');
}
