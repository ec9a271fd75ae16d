import type { IncomingMessage, Server } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { RequestHandler } from 'express';
import type { AppConfig } from '../../config/index.js';
import { originInUrl, parseHost, type WebOrigin } from '../../text/index.js';
import { isForIngress } from './ingress-guard.js';
import { isBoundToLoopback, isLoopback, isLoopbackOnly, needsKey } from './loopback-only.js';
import { isSameHost, type OriginPolicy } from './origin-policy.js';
import { hostOf } from './request-host.js';
import { refuseUpgrade } from './refuse-upgrade.js';
import { remoteAddress } from './remote-address.js';

const LOOPBACK_ONLY =
  'This server has no session key, so it serves only this machine. Set SESSION_API_KEY to require a key, ' +
  'or start it with --host 0.0.0.0 to open it to everybody who can reach it.';
const FOREIGN_HOST =
  'This server has no session key, so it answers only under the names of this machine (localhost, 127.0.0.1). ' +
  'Set web_url to the address that browsers use, or SESSION_API_KEY to require a key.';
const FOREIGN_PAGE =
  'This server has no session key, so pages of other origins may not change anything here. Add their origin to ' +
  'allow_cors_origins, or set SESSION_API_KEY to require a key.';

/**
 * Methods that may change something. Browsers send some of them for any page, without a preflight request.
 */
const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Protects a server without a key. Refuses with 403 and advice, for requests and sockets:
 *
 * - clients of other machines, unless the server was opened by `--host`;
 * - host names that are not this machine's, on a server that only this machine reaches: an attacker can let a
 *   name of theirs resolve to this machine (DNS rebinding), and browsers would treat both as one site;
 * - changes and sockets from pages of other origins: CORS only controls who may read answers, browsers send
 *   simple requests anyway, and sockets have no CORS.
 *
 * @returns middleware that must run before all other handlers
 */
export function protectOpenServer(
  server: Server,
  config: AppConfig,
  origins: OriginPolicy,
): RequestHandler | undefined {
  if (needsKey(config)) return undefined;
  const refusal = refusalCheck(config, origins);
  // Before the listener of the gateways, which ignores connections that are already closed.
  server.prependListener('upgrade', (request: IncomingMessage, socket: Socket) => {
    // Another listener answered it.
    if (!socket.writable) return;
    const detail = refusal(request, true);
    if (detail !== undefined) refuseUpgrade(socket, 403, detail);
  });
  return (request, response, next) => {
    const detail = refusal(request, CHANGING.has(request.method));
    if (detail === undefined) return next();
    response.status(403).json({ detail });
  };
}

/** Creates a function that returns why a request is refused, or undefined. */
function refusalCheck(config: AppConfig, origins: OriginPolicy) {
  const loopbackOnly = isLoopbackOnly(config);
  const isOwnName = ownNames(config);
  return (request: IncomingMessage, isChange: boolean): string | undefined => {
    if (loopbackOnly && !isLoopback(remoteAddress(request))) return LOOPBACK_ONLY;
    const host = hostOf(request, config);
    if (!isOwnName(host)) return FOREIGN_HOST;
    const { origin } = request.headers;
    if (!isChange || origin === undefined || isSameHost(origin, host)) return undefined;
    if (origins.allows(origin, pathOf(request))) return undefined;
    origins.reportRefused(origin);
    return FOREIGN_PAGE;
  };
}

/**
 * Creates a function that decides whether a request may be answered with a page that contains the session
 * key. Refused are: pages of other origins (those of this machine may read answers, and an agent may have
 * built one); the host of canvas extensions; host names that others may own; frames and scripts, because
 * workspace files are pages of this origin, too.
 */
export function mayReceiveKey(config: AppConfig): (request: IncomingMessage) => boolean {
  const isOwnName = ownNames(config);
  return (request) => {
    const host = hostOf(request, config);
    if (isForIngress(request, config)) return false;
    const { origin, 'sec-fetch-dest': destination } = request.headers;
    if (origin !== undefined && !isSameHost(origin, host)) return false;
    if (destination !== undefined && destination !== 'document') return false;
    // Unlike a name, an address cannot be redirected by its owner.
    return isOwnName(host) || isIP(nameIn(host ?? '') ?? '') !== 0;
  };
}

/** Creates a check of `Host` headers: own names only, or any name when other machines reach the server. */
function ownNames(config: AppConfig): (host: string | undefined) => boolean {
  const { listen, web_url: webUrl } = config;
  if (listen.hostGiven && !isBoundToLoopback(config)) return () => true;
  const names = new Set(['localhost', listen.host, process.env['DOCKER_HOST_ADDR']]);
  for (const url of [webUrl, config.app_backend_public_url]) names.add(nameOf(originInUrl(url ?? '')));
  return (host) => {
    // Browsers always send one.
    if (host === undefined) return true;
    const name = nameIn(host);
    // All names below `localhost` are loopback (RFC 6761).
    return name !== undefined && (names.has(name) || name.endsWith('.localhost') || isLoopback(name));
  };
}

/** The host name of a `Host` header without port and brackets, in lower case. */
function nameIn(host: string): string | undefined {
  return nameOf(parseHost(host));
}

function nameOf(origin: WebOrigin | undefined): string | undefined {
  return origin?.hostname.replace(/^\[(.*)\]$/, '$1');
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?')[0] ?? '/';
}
