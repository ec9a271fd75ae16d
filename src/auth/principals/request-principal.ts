import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Principal } from './principal.js';

/** Who has sent a request, and the text of the key that proved it. */
interface Identity {
  readonly principal: Principal;
  /** Undefined where no key is needed, or another server of the cluster has checked it. */
  readonly key: string | undefined;
}

/** The senders of requests, once their keys were checked. */
const identities = new WeakMap<IncomingMessage, Identity>();

/**
 * Who has sent a request, or the handshake of a socket; undefined before the key was checked, and on routes
 * that need none. A socket that sends its key in the first frame has it in `connection.principal`.
 */
export function principalOf(request: IncomingMessage): Principal | undefined {
  return identities.get(request)?.principal;
}

/** The key that a request was accepted with, to be repeated to the client only. */
export function acceptedKeyOf(request: IncomingMessage): string | undefined {
  return identities.get(request)?.key;
}

/** Sets who has sent a request. For what checks keys. */
export function setPrincipal(request: IncomingMessage, principal: Principal, key?: string): void {
  identities.set(request, { principal, key });
}

/** Who has sent the request, as a parameter of a handler: `@CurrentPrincipal() principal: Principal`. */
export const CurrentPrincipal = createParamDecorator((_data: undefined, context: ExecutionContext) => {
  const principal = principalOf(context.switchToHttp().getRequest<IncomingMessage>());
  if (principal === undefined) throw new TypeError('a route that needs no key has no principal');
  return principal;
});
