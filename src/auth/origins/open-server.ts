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

const LOOPBACK_ONLY =
  'This server has no session key, so it serves only this machine. Set SESSION_API_KEY to require a key, ' +
  'or start it with --host 0.0.0.0 to open it to everybody who can reach it.';
const FOREIGN_HOST =
  'This server has no session key, so it answers only under the names of this machine (localhost, 127.0.0.1). ' +
  'Set web_url to the address that browsers use, or SESSION_API_KEY to require a key.';
const FOREIGN_PAGE =
  'This server has no session key, so pages of other origins may not change anything here. Add their origin to ' +
  'allow_cors_origins, or set SESSION_API_KEY to require a key.';

/** Requests that may change something. A browser sends some of them for any page, without asking first. */
const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Where no key stands between the server and a browser, keeps out who was not meant to come in, with a 403
 * that says what to do about it: requests of any kind, and sockets.
 *
 * - Peers from elsewhere, unless the server was opened on purpose.
 * - Names that are not this machine's, on a server that only this machine reaches: the owner of a name can
 *   let it point
 *   here, and to the browser his page and this server are then one site.
 * - Changes and sockets from pages of other origins. Whether such a page may read an answer is up to CORS,
 *   but a browser
 *   sends simple requests all the same, and sockets know no CORS.
 *
 * @returns what is to come before all other handlers; sockets it takes care of itself
 */
export function protectOpenServer(
  server: Server,
  config: AppConfig,
  origins: OriginPolicy,
): RequestHandler | undefined {
  if (needsKey(config)) return undefined;
  const refusal = refusalCheck(config, origins);
  // Before the gateways' listener, which then finds the connection closed and leaves it.
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

/** Says why a request is refused, or nothing. */
function refusalCheck(config: AppConfig, origins: OriginPolicy) {
  const loopbackOnly = isLoopbackOnly(config);
  const isOwnName = ownNames(config);
  return (request: IncomingMessage, isChange: boolean): string | undefined => {
    if (loopbackOnly && !isLoopback(request.socket.remoteAddress)) return LOOPBACK_ONLY;
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
 * Whether a page that holds the session key may be given to whoever asks: never to a page of another origin
 * (those of this machine may read answers, and what an agent has just built is one), nor to those of canvas
 * extensions, only under names that nobody else owns, and not into a frame or to a script: files of
 * workspaces are pages of this origin, too.
 */
export function mayReceiveKey(config: AppConfig): (request: IncomingMessage) => boolean {
  const isOwnName = ownNames(config);
  return (request) => {
    const host = hostOf(request, config);
    if (isForIngress(request, config)) return false;
    const { origin, 'sec-fetch-dest': destination } = request.headers;
    if (origin !== undefined && !isSameHost(origin, host)) return false;
    if (destination !== undefined && destination !== 'document') return false;
    // An address cannot be pointed elsewhere, as a name can.
    return isOwnName(host) || isIP(nameIn(host ?? '') ?? '') !== 0;
  };
}

/** Which `Host` headers a server answers that only its own machine reaches; any, when others reach it. */
function ownNames(config: AppConfig): (host: string | undefined) => boolean {
  const { listen, web_url: webUrl } = config;
  if (listen.hostGiven && !isBoundToLoopback(config)) return () => true;
  const names = new Set(['localhost', listen.host, process.env['DOCKER_HOST_ADDR']]);
  for (const url of [webUrl, config.app_backend_public_url]) names.add(nameOf(originInUrl(url ?? '')));
  return (host) => {
    // Browsers always send one.
    if (host === undefined) return true;
    const name = nameIn(host);
    // The whole of `localhost` never leaves the machine (RFC 6761).
    return name !== undefined && (names.has(name) || name.endsWith('.localhost') || isLoopback(name));
  };
}

/** The host name of a `Host` header without its port and brackets, in lower case. */
function nameIn(host: string): string | undefined {
  return nameOf(parseHost(host));
}

function nameOf(origin: WebOrigin | undefined): string | undefined {
  return origin?.hostname.replace(/^\[(.*)\]$/, '$1');
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?')[0] ?? '/';
}
