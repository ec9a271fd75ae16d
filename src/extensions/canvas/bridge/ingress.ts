import type { IncomingMessage } from 'node:http';
import {
  ConflictException,
  ForbiddenException,
  HttpException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { hostOf, isLoopback, OriginPolicy, protocolOf } from '../../../auth/index.js';
import type { AppConfig } from '../../../config/index.js';
import { originInUrl, parseHost, withoutTrailingSlashes } from '../../../text/index.js';

const MISDIRECTED = 421;
const NOT_CONFIGURED = 'Canvas App backend ingress is not configured';
const FOREIGN_ORIGIN = 'Origin is not allowed';

/** Configuration of the ingress. */
type IngressConfig = Pick<
  AppConfig,
  | 'app_backend_public_url'
  | 'trust_forwarded_headers'
  | 'allow_cors_origins'
  | 'allow_cors_origin_regex'
  | 'web_url'
  | 'session_api_keys'
>;

/**
 * Checks the origin on which browsers reach back ends. It differs from the origin of the page that holds the
 * session key, so that an extension's pages cannot access that page.
 */
export class Ingress {
  private readonly origin: string | undefined;
  private readonly pages: OriginPolicy;

  constructor(private readonly config: IngressConfig) {
    const { app_backend_public_url: url } = config;
    this.origin = originInUrl(url ?? '')?.serialised;
    this.pages = new OriginPolicy(config);
  }

  /** The URL of a back end. */
  urlOf(name: string): string {
    return `${withoutTrailingSlashes(this.config.app_backend_public_url ?? '')}/app-backends/${name}/`;
  }

  /** @throws HttpException 503 if no ingress is configured, 421 for a request to another origin */
  assertAddressed(request: IncomingMessage): void {
    if (this.origin === undefined) throw new ServiceUnavailableException(NOT_CONFIGURED);
    if (this.originOf(request) !== this.origin)
      throw new HttpException('Canvas App request must use the configured ingress origin', MISDIRECTED);
  }

  /**
   * Checks that the request comes from a page that may hold the session key.
   * @throws HttpException 403 for origins that may not call the server, 409 for the ingress itself
   */
  assertFromControl({ headers: { origin } }: IncomingMessage, path: string): void {
    if (origin === this.origin && origin !== undefined)
      throw new ConflictException('Canvas App ingress must use a separate browser origin');
    if (origin === undefined || !this.pages.allows(origin, path))
      throw new ForbiddenException(FOREIGN_ORIGIN);
  }

  /** @throws HttpException 503 if browsers would not store the session cookie */
  assertKeepsCookies(): void {
    const { protocol, hostname } = new URL(this.origin ?? 'http://localhost');
    const name = hostname.replace(/^\[(.*)\]$/, '$1');
    const isSecure = protocol === 'https:' || isLoopback(name) || /(^|\.)localhost$/.test(name);
    if (!isSecure)
      throw new ServiceUnavailableException(
        'Canvas App backend sessions require HTTPS or a loopback secure context',
      );
  }

  /** @throws HttpException 403 unless the request comes from the extension's own pages */
  assertFromIngress({ headers: { origin } }: IncomingMessage): void {
    if (origin !== this.origin) throw new ForbiddenException(FOREIGN_ORIGIN);
  }

  /** The origin that the client used; from a trusted proxy, the forwarded one. */
  private originOf(request: IncomingMessage): string | undefined {
    const { config } = this;
    return parseHost(hostOf(request, config) ?? '', `${protocolOf(request, config)}:`)?.serialised;
  }
}
