import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import type { AppConfig } from '../../config/index.js';
import { originInUrl, parseHost, parseUrl } from '../../text/index.js';
import { refuseUpgrade } from './refuse-upgrade.js';
import { hostsOf } from './request-host.js';

/** What says where back ends of canvas extensions are reached. */
type IngressConfig = Pick<AppConfig, 'app_backend_public_url' | 'trust_forwarded_headers'>;

const BACKEND_PATH = /^\/app-backends\/[^/?]/;

/** Whether a request came by the host under which browsers reach the back ends of canvas extensions. */
export function isForIngress(request: IncomingMessage, config: IngressConfig): boolean {
  const ingress = originInUrl(config.app_backend_public_url ?? '');
  if (!ingress) return false;
  const ingressHost = withoutRootDot(ingress.host);
  return hostsOf(request, config).some((host) => {
    const asked = parseHost(host, ingress.protocol)?.host;
    return asked !== undefined && withoutRootDot(asked) === ingressHost;
  });
}

/** A dot at the end of a name is the root of all domains: the same host, but another origin to browsers. */
function withoutRootDot(host: string): string {
  return host.replace(/\.(?=:\d+$|$)/, '');
}

/**
 * Under the host of `app_backend_public_url` answers nothing but the back ends: to a browser, their pages and
 * whatever else answers there are one origin. A session key makes no difference.
 *
 * @returns what is to come before all other handlers; sockets it takes care of itself
 */
export function guardIngress(server: Server, config: IngressConfig): RequestHandler | undefined {
  if (config.app_backend_public_url === null) return undefined;
  const isRefused = (request: IncomingMessage): boolean =>
    isForIngress(request, config) && !isBackendPath(request.url ?? '');
  // Before the gateways' listener, which then finds the connection closed and leaves it.
  server.prependListener('upgrade', (request: IncomingMessage, socket: Duplex) => {
    if (socket.writable && isRefused(request)) refuseUpgrade(socket, 404, 'Not Found');
  });
  return (request, response, next) => {
    if (isRefused(request)) response.status(404).json({ detail: 'Not Found' });
    else next();
  };
}

/** As it was written and as the gateways of sockets read it, who resolve `..`. */
function isBackendPath(url: string): boolean {
  const base = 'http://localhost';
  return BACKEND_PATH.test(url) && BACKEND_PATH.test(parseUrl(url, base)?.pathname ?? '');
}
