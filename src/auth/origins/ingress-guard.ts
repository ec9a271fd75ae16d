import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import type { AppConfig } from '../../config/index.js';
import { originInUrl, parseHost, parseUrl } from '../../text/index.js';
import { refuseUpgrade } from './refuse-upgrade.js';
import { hostsOf } from './request-host.js';

/** The settings that define the host of canvas back ends. */
type IngressConfig = Pick<AppConfig, 'app_backend_public_url' | 'trust_forwarded_headers'>;

const BACKEND_PATH = /^\/app-backends\/[^/?]/;

/** Whether a request was sent to the host of the back ends of canvas extensions. */
export function isForIngress(request: IncomingMessage, config: IngressConfig): boolean {
  const ingress = originInUrl(config.app_backend_public_url ?? '');
  if (!ingress) return false;
  const ingressHost = withoutRootDot(ingress.host);
  return hostsOf(request, config).some((host) => {
    const asked = parseHost(host, ingress.protocol)?.host;
    return asked !== undefined && withoutRootDot(asked) === ingressHost;
  });
}

/** A host name with a trailing dot is the same host, but another origin for browsers. */
function withoutRootDot(host: string): string {
  return host.replace(/\.(?=:\d+$|$)/, '');
}

/**
 * Serves only canvas back ends under the host of `app_backend_public_url`, with or without a session key: for
 * a browser, everything under that host is one origin with their pages. Upgrade requests are handled as well.
 *
 * @returns middleware that must run before all other handlers
 */
export function guardIngress(server: Server, config: IngressConfig): RequestHandler | undefined {
  if (config.app_backend_public_url === null) return undefined;
  const isRefused = (request: IncomingMessage): boolean =>
    isForIngress(request, config) && !isBackendPath(request.url ?? '');
  // Before the listener of the gateways, which ignores connections that are already closed.
  server.prependListener('upgrade', (request: IncomingMessage, socket: Duplex) => {
    if (socket.writable && isRefused(request)) refuseUpgrade(socket, 404, 'Not Found');
  });
  return (request, response, next) => {
    if (isRefused(request)) response.status(404).json({ detail: 'Not Found' });
    else next();
  };
}

/** The path as sent and with `..` resolved, as the socket gateways read it. */
function isBackendPath(url: string): boolean {
  const base = 'http://localhost';
  return BACKEND_PATH.test(url) && BACKEND_PATH.test(parseUrl(url, base)?.pathname ?? '');
}
