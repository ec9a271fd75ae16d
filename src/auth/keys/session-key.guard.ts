import { UnauthorizedException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { FailedKeys, TooManyFailedKeysException } from './failed-keys.js';
import { type KeySet, SessionKeys } from './key-set.js';
import { SESSION } from '../principals/principal.js';
import { setPrincipal } from '../principals/request-principal.js';
import { AcceptsWorkspaceCookie, keyInCookie } from './workspace-cookie.js';

/** Marks a controller or a route that needs no session key: `@OpenRoute()`. */
export const OpenRoute = Reflector.createDecorator<true | undefined>();

/**
 * Admits requests with a session key in `X-Session-API-Key` or as a bearer token. Guards every route that is
 * not marked `@OpenRoute()`. Sockets check keys in the handshake.
 */
@Injectable()
export class SessionKeyGuard implements CanActivate {
  constructor(
    private readonly keys: SessionKeys,
    private readonly reflector: Reflector,
    private readonly failedKeys: FailedKeys,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http' || this.isMarked(context, OpenRoute)) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    if (!this.keys.required()) {
      setPrincipal(request, SESSION);
      return true;
    }
    const cookie = this.isMarked(context, AcceptsWorkspaceCookie) ? keyInCookie(request) : undefined;
    const shown = [...presentedKeys(request), ...(cookie === undefined ? [] : [cookie])];
    const admitted = checkKeys(this.keys, this.failedKeys, shown, {
      request,
      response: http.getResponse<HttpResponse>(),
    });
    if (admitted === true)
      setPrincipal(
        request,
        SESSION,
        shown.find((key) => this.keys.accepts(key)),
      );
    return admitted;
  }

  private isMarked(context: ExecutionContext, mark: typeof OpenRoute): boolean {
    const targets = [context.getHandler(), context.getClass()];
    return targets.some((target) => this.reflector.get(mark, target) !== undefined);
  }
}

/**
 * Admits a request with a valid key from a client that has not sent too many wrong ones. Counts wrong keys.
 * @throws UnauthorizedException, TooManyFailedKeysException
 */
export function checkKeys(
  keys: KeySet,
  failedKeys: FailedKeys,
  shown: readonly string[],
  { request, response }: { request: HttpRequest; response: HttpResponse },
): true | Promise<never> {
  if (!shown.some((key) => keys.accepts(key))) return refuse(failedKeys, shown, request, response);
  const wait = failedKeys.accept(request);
  if (wait === undefined) return true;
  throw tooManyFailedKeys(wait, response);
}

async function refuse(
  failedKeys: FailedKeys,
  shown: readonly string[],
  request: HttpRequest,
  response: HttpResponse,
): Promise<never> {
  const wait = shown.some((key) => key !== '') ? await failedKeys.add(request) : undefined;
  if (wait === undefined) throw new UnauthorizedException({ detail: 'Unauthorized' });
  throw tooManyFailedKeys(wait, response);
}

function tooManyFailedKeys(seconds: number, response: HttpResponse): TooManyFailedKeysException {
  response.setHeader('Retry-After', seconds);
  return new TooManyFailedKeysException(seconds);
}

/** The keys in the headers of a request. */
export function presentedKeys(request: HttpRequest): string[] {
  const bearer = /^bearer\s(.+)$/i.exec(request.get('authorization') ?? '')?.[1]?.trim();
  return [request.get('x-session-api-key'), bearer].filter((key) => key !== undefined);
}
