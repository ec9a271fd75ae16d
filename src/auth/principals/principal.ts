import type { JsonObject } from '../../json/index.js';

/** What a key may do. Each scope includes those before it. */
export const SCOPES = ['read', 'write', 'admin'] as const;
/** What a key may do: `read` looks, `write` works with agents, `admin` also changes the server. */
export type KeyScope = (typeof SCOPES)[number];

/** Whose conversations a key sees: all, or those that were created with it. */
export const REACHES = ['all', 'own'] as const;
/** Whose conversations a key sees. */
export type KeyReach = (typeof REACHES)[number];

/** Who sends a request, or has opened a socket. Never changes: a changed key is another object. */
export interface Principal {
  /** `session` for a session key, and for everybody on a server without keys; else the id of the key. */
  readonly id: string;
  /** The name of the key, for people. */
  readonly name: string;
  readonly scope: KeyScope;
  readonly reach: KeyReach;
  /** The limits that the key was given. */
  readonly limits: JsonObject;
}

/** Whoever has the session key, and everybody on a server that needs none: the administrator. */
export const SESSION: Principal = Object.freeze({
  id: 'session',
  name: 'session',
  scope: 'admin',
  reach: 'all',
  limits: Object.freeze({}),
});
