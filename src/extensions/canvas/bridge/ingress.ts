import type { IncomingMessage } from 'node:http';
import {
  ConflictException,
  ForbiddenException,
  HttpException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { isLoopback, OriginPolicy } from '../../../auth/index.js';
import type { AppConfig } from '../../../config/index.js';
import { originInUrl, parseHost, withoutTrailingSlashes } from '../../../text/index.js';

const MISDIRECTED = 421;
const NOT_CONFIGURED = 'Canvas App backend ingress is not configured';
const FOREIGN_ORIGIN = 'Origin is not allowed';

/** What says where back ends are reached. */
export type IngressConfig = Pick<
  AppConfig,
  | 'app_backend_public_url'
  | 'trust_forwarded_headers'
  | 'allow_cors_origins'
  | 'allow_cors_origin_regex'
  | 'web_url'
  | 'session_api_keys'
>;

/**
 * The origin under which browsers reach back ends: another one than that of the page which holds the session
 * key, so that the pages of an extension cannot get at that page.
 */
export class Ingress {
  private readonly origin: string | undefined;
  private readonly pages: OriginPolicy;

  constructor(private readonly config: IngressConfig) {
    const { app_backend_public_url: url } = config;
    this.origin = originInUrl(url ?? '')?.serialised;
    this.pages = new OriginPolicy(config);
  }

  /** The address of a back end. */
  urlOf(name: string): string {
    return `${withoutTrailingSlashes(this.config.app_backend_public_url ?? '')}/app-backends/${name}/`;
  }

  /** @throws HttpException: 503 where there is none, 421 for a request that came another way */
  assertAddressed(request: IncomingMessage): void {
    if (this.origin === undefined) throw new ServiceUnavailableException(NOT_CONFIGURED);
    if (this.originOf(request) !== this.origin)
      throw new HttpException('Canvas App request must use the configured ingress origin', MISDIRECTED);
  }

  /**
   * Only the page that holds the session key may ask for a session.
   * @throws HttpException: 403 for pages that may not call the server, 409 for those of the ingress itself
   */
  assertFromControl({ headers: { origin } }: IncomingMessage, path: string): void {
    if (origin === this.origin && origin !== undefined)
      throw new ConflictException('Canvas App ingress must use a separate browser origin');
    if (origin === undefined || !this.pages.allows(origin, path))
      throw new ForbiddenException(FOREIGN_ORIGIN);
  }

  /** @throws HttpException 503: its cookie would not be kept */
  assertKeepsCookies(): void {
    const { protocol, hostname } = new URL(this.origin ?? 'http://localhost');
    const name = hostname.replace(/^\[(.*)\]$/, '$1');
    const isSecure = protocol === 'https:' || isLoopback(name) || /(^|\.)localhost$/.test(name);
    if (!isSecure)
      throw new ServiceUnavailableException(
        'Canvas App backend sessions require HTTPS or a loopback secure context',
      );
  }

  /** @throws HttpException 403: only the pages of an extension may change something at its back end */
  assertFromIngress({ headers: { origin } }: IncomingMessage): void {
    if (origin !== this.origin) throw new ForbiddenException(FOREIGN_ORIGIN);
  }

  /** What the client took for our origin: of a proxy that is trusted, what it was asked for. */
  private originOf({ headers }: IncomingMessage): string | undefined {
    const trusted = this.config.trust_forwarded_headers;
    const protocol = (trusted ? first(headers['x-forwarded-proto']) : undefined) ?? 'http';
    const host = (trusted ? first(headers['x-forwarded-host']) : undefined) ?? headers.host ?? '';
    return parseHost(host, `${protocol}:`)?.serialised;
  }
}

function first(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text?.split(',')[0]?.trim();
}
