import { UnauthorizedException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { OpenRoute } from './open-route.js';
import { SessionKeys } from './session-keys.js';
import { AcceptsWorkspaceCookie, keyInCookie } from './workspace-cookie.js';

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
    if (context.getType() !== 'http' || !this.keys.required() || this.isMarked(context, OpenRoute))
      return true;
    const request = context.switchToHttp().getRequest<Request>();
    const cookie = this.isMarked(context, AcceptsWorkspaceCookie) ? keyInCookie(request) : undefined;
    if (presentedKeys(request).some((key) => this.keys.accepts(key))) return true;
    if (cookie !== undefined && this.keys.accepts(cookie)) return true;
    throw new UnauthorizedException({ detail: 'Unauthorized' });
  }

  private isMarked(context: ExecutionContext, mark: typeof OpenRoute): boolean {
    const targets = [context.getHandler(), context.getClass()];
    return targets.some((target) => this.reflector.get(mark, target) !== undefined);
  }
}

/** The keys that a request shows in its headers. */
export function presentedKeys(request: Request): string[] {
  const bearer = /^bearer\s(.+)$/i.exec(request.get('authorization') ?? '')?.[1]?.trim();
  return [request.get('x-session-api-key'), bearer].filter((key) => key !== undefined);
}
