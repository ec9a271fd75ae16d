import { UnauthorizedException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { SESSION } from '../principals/principal.js';
import { setPrincipal } from '../principals/request-principal.js';
import { Authenticator, type Identified } from './authenticator.js';
import { FailedKeys, TooManyFailedKeysException } from './failed-keys.js';
import type { KeySet } from './key-set.js';
import { AcceptsWorkspaceCookie, keyInCookie } from './workspace-cookie.js';

/** Marks a controller or a route that needs no key: `@OpenRoute()`. */
export const OpenRoute = Reflector.createDecorator<true | undefined>();

/** Time for an answer that begins after its key has ended (ms). */
const FINISH_MS = 1_000;

/** A request and its answer. */
interface Exchange {
  request: HttpRequest;
  response: HttpResponse;
}

/**
 * Admits requests with a key in `X-Session-API-Key` or as a bearer token, and notes whose it is. Guards every
 * route that is not marked `@OpenRoute()`. Sockets check keys in the handshake.
 */
@Injectable()
export class SessionKeyGuard implements CanActivate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly reflector: Reflector,
    private readonly failedKeys: FailedKeys,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http' || this.isMarked(context, OpenRoute)) return true;
    const http = context.switchToHttp();
    const exchange = { request: http.getRequest<HttpRequest>(), response: http.getResponse<HttpResponse>() };
    const { request } = exchange;
    if (!this.authenticator.required()) {
      setPrincipal(request, SESSION, presentedKeys(request)[0]);
      return true;
    }
    const cookie = this.isMarked(context, AcceptsWorkspaceCookie) ? keyInCookie(request) : undefined;
    const shown = [...presentedKeys(request), ...(cookie === undefined ? [] : [cookie])];
    const found = this.authenticator.identify(shown, request);
    if (found instanceof Promise) return found.then((who) => this.admit(who, shown, exchange));
    return this.admit(found, shown, exchange);
  }

  private admit(
    found: Identified | undefined,
    shown: readonly string[],
    exchange: Exchange,
  ): true | Promise<never> {
    if (!found) return refuse(this.failedKeys, shown, exchange);
    acceptOrWait(this.failedKeys, exchange, found.principal.id);
    setPrincipal(exchange.request, found.principal, found.key);
    this.cutWhenEnded(found, exchange.response);
    return true;
  }

  /** A stream, such as a long download, does not outlive the key that it was asked for with. */
  private cutWhenEnded({ principal }: Identified, response: HttpResponse): void {
    if (principal === SESSION) return;
    const stop = this.authenticator.whenEnded(principal, () => cut(response));
    response.once('close', stop);
  }

  private isMarked(context: ExecutionContext, mark: typeof OpenRoute): boolean {
    const targets = [context.getHandler(), context.getClass()];
    return targets.some((target) => this.reflector.get(mark, target) !== undefined);
  }
}

/** Cuts a stream, also one that begins later. An answer that is still being prepared gets its time. */
function cut(response: HttpResponse): void {
  if (response.headersSent) return void response.destroy();
  let hasBegun = false;
  const timer = setInterval(() => {
    if (hasBegun) response.destroy();
    hasBegun = response.headersSent;
  }, FINISH_MS).unref();
  response.once('close', () => clearInterval(timer));
}

/**
 * Admits a request with a key of a set from a client that has not sent too many wrong ones. Counts wrong
 * keys.
 * @throws UnauthorizedException, TooManyFailedKeysException
 */
export function checkKeys(
  keys: KeySet,
  failedKeys: FailedKeys,
  shown: readonly string[],
  exchange: Exchange,
): true | Promise<never> {
  if (!shown.some((key) => keys.accepts(key))) return refuse(failedKeys, shown, exchange);
  acceptOrWait(failedKeys, exchange, SESSION.id);
  return true;
}

/** @throws TooManyFailedKeysException although the key is right */
function acceptOrWait(failedKeys: FailedKeys, { request, response }: Exchange, keyId: string): void {
  const wait = failedKeys.accept(request, keyId);
  if (wait !== undefined) throw tooManyFailedKeys(wait, response);
}

async function refuse(
  failedKeys: FailedKeys,
  shown: readonly string[],
  { request, response }: Exchange,
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
