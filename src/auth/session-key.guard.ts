import { UnauthorizedException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { OpenRoute } from './open-route.js';
import { SessionKeys } from './session-keys.js';

/**
 * Lets a request pass that carries a session key in `X-Session-API-Key` or as a bearer token. On for every route that
 * is not marked `@OpenRoute()`. Sockets check their keys in the handshake.
 */
@Injectable()
export class SessionKeyGuard implements CanActivate {
  constructor(
    private readonly keys: SessionKeys,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http' || !this.keys.required() || this.isOpen(context)) return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (presentedKeys(request).some((key) => this.keys.accepts(key))) return true;
    throw new UnauthorizedException({ detail: 'Unauthorized' });
  }

  private isOpen(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    return targets.some((target) => this.reflector.get(OpenRoute, target) !== undefined);
  }
}

function presentedKeys(request: Request): string[] {
  const bearer = /^bearer\s+(.+)$/i.exec(request.get('authorization') ?? '')?.[1]?.trim();
  return [request.get('x-session-api-key'), bearer].filter((key) => key !== undefined);
}
