import { Reflector } from '@nestjs/core';
import { type KeyScope, type Principal, SCOPES } from './principal.js';

/** What a key needs for an operation, or for a kind of message on a socket. */
export interface Requirement {
  readonly scope: KeyScope;
  /** Whether keys of one's own may do it, within their own conversations. Otherwise it is for reach `all`. */
  readonly own: boolean;
  /**
   * The scope under a path that names no conversation, where a route is about the whole machine; keys of
   * one's own may never do that.
   */
  readonly machine?: KeyScope;
}

/** What is required where nothing is stated. */
export const STRICTEST: Requirement = Object.freeze({ scope: 'admin', own: false });

/** Parameters of paths that name the conversation of a route; the first one that a path has counts. */
export const CONVERSATION_PARAMETERS: readonly string[] = ['conversation_id', 'runtime_conversation_id'];

const Required = Reflector.createDecorator<Requirement>();
const reflector = new Reflector();

/**
 * States what a key needs for a route, for all routes of a controller, or to open the sockets of a gateway.
 * @param options `own`: also for keys of one's own; the route must then show them their own only.
 *   `machine`: see `Requirement`
 */
export function Scope(
  scope: KeyScope,
  { own = false, machine }: { own?: boolean; machine?: KeyScope } = {},
): ClassDecorator & MethodDecorator {
  return Required({ scope, own, ...(machine && { machine }) });
}

/**
 * What is stated about a handler or, failing that, its class; undefined if nothing is stated.
 * @param hasParameter whether the path has a parameter
 */
export function requirementOf(
  targets: Parameters<Reflector['getAllAndOverride']>[1],
  hasParameter: (name: string) => boolean = () => false,
): Requirement | undefined {
  const stated = reflector.getAllAndOverride<Requirement | undefined>(Required.KEY, targets);
  if (stated?.machine === undefined) return stated;
  const { scope, own, machine } = stated;
  return CONVERSATION_PARAMETERS.some(hasParameter) ? { scope, own } : { scope: machine, own: false };
}

/** What a key needs to open the sockets of a gateway. */
export function requirementOfGateway(gateway: object): Requirement {
  return requirementOf([gateway.constructor]) ?? STRICTEST;
}

/** Why a principal may not do something, for people; undefined if it may. */
export function refusalOf({ scope, reach }: Principal, required: Requirement): string | undefined {
  if (SCOPES.indexOf(scope) < SCOPES.indexOf(required.scope))
    return `This key has the scope '${scope}'; this needs '${required.scope}'.`;
  if (reach === 'own' && !required.own)
    return "This key has the reach 'own'; this needs a key with the reach 'all'.";
  return undefined;
}
