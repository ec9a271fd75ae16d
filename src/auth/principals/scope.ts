import { Reflector } from '@nestjs/core';
import { type KeyScope, type Principal, SCOPES } from './principal.js';

/** What a key needs for an operation, or for a kind of message on a socket. */
export interface Requirement {
  readonly scope: KeyScope;
  /** Whether keys of one's own may do it, within their own conversations. Otherwise it is for reach `all`. */
  readonly own: boolean;
}

/** What is required where nothing is stated. */
export const STRICTEST: Requirement = Object.freeze({ scope: 'admin', own: false });

const Required = Reflector.createDecorator<Requirement>();
const reflector = new Reflector();

/**
 * States what a key needs for a route, for all routes of a controller, or to open the sockets of a gateway.
 * @param options `own`: also for keys of one's own; the route must then show them their own only
 */
export function Scope(
  scope: KeyScope,
  { own = false }: { own?: boolean } = {},
): ClassDecorator & MethodDecorator {
  return Required({ scope, own });
}

/** What is stated about a handler or, failing that, its class; undefined if nothing is. */
export function requirementOf(
  targets: Parameters<Reflector['getAllAndOverride']>[1],
): Requirement | undefined {
  return reflector.getAllAndOverride(Required, targets);
}

/** Why a principal may not do something, for people; undefined if it may. */
export function refusalOf({ scope, reach }: Principal, required: Requirement): string | undefined {
  if (SCOPES.indexOf(scope) < SCOPES.indexOf(required.scope))
    return `This key has the scope ${scope}; this needs ${required.scope}.`;
  if (reach === 'own' && !required.own)
    return 'This key reaches its own conversations only; this needs a key that reaches all.';
  return undefined;
}
