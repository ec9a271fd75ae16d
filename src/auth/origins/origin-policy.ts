import { isIP } from 'node:net';
import { Logger } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import { originInUrl, parseHost, parseOrigin, parseWrittenOrigin } from '../../text/index.js';

/** The settings that define which pages may call the server. */
type OriginOptions = Pick<
  AppConfig,
  'allow_cors_origins' | 'allow_cors_origin_regex' | 'web_url' | 'app_backend_public_url' | 'session_api_keys'
>;

/** Paths that any web page may call on a server with a key: the workspace cookie protects them. */
const COOKIE_PATHS = /^\/api\/(auth\/workspace-session$|conversations\/[^/]+\/workspace(\/|$))/;

/** Longest origin that is matched with the pattern (characters); a host name has at most 253. */
const MAX_ORIGIN_LENGTH = 300;
/** Most origins that are named in the log. Pages can send any number of them. */
const MAX_REPORTED = 100;
const MAX_LOGGED_LENGTH = 200;

/**
 * Decides which pages of other origins may call the server: those of this machine, those that the
 * configuration names, and all pages for paths that the workspace cookie protects. Pages of canvas back ends
 * never may.
 */
export class OriginPolicy {
  private readonly logger = new Logger('Origins');
  private readonly reported = new Set<string>();
  private readonly exact: ReadonlySet<string>;
  private readonly hosts: ReadonlySet<string>;
  private readonly pattern: RegExp | undefined;
  private readonly ingress: string | undefined;
  private readonly hasCookie: boolean;

  constructor(
    options: OriginOptions,
    /** A further host that is trusted like localhost: the address of a container's host. */
    trustedHost: string | undefined = process.env['DOCKER_HOST_ADDR'],
  ) {
    const { allow_cors_origins: origins, allow_cors_origin_regex: regex } = options;
    const webUi = originInUrl(options.web_url ?? '');
    this.exact = new Set([...origins.flatMap(serialiseConfigured), ...(webUi ? [webUi.serialised] : [])]);
    const trusted = trustedHost === undefined ? undefined : parseHost(bracketed(trustedHost));
    this.hosts = new Set(['localhost', '127.0.0.1', ...(trusted ? [trusted.hostname] : [])]);
    this.pattern = regex === null ? undefined : new RegExp(`^(?:${regex})$`);
    this.ingress = originInUrl(options.app_backend_public_url ?? '')?.serialised;
    this.hasCookie = options.session_api_keys.length > 0;
  }

  /**
   * Whether pages of this origin may call this path and read its answers.
   * @param origin value of the `Origin` header
   */
  allows(origin: string, path: string): boolean {
    const serialised = this.allowable(origin);
    const page = parseOrigin(origin);
    if (serialised === undefined) return false;
    return (
      (this.hasCookie && page !== undefined && isWebPage(page.protocol) && COOKIE_PATHS.test(path)) ||
      this.exact.has(ANY) ||
      this.exact.has(serialised) ||
      (serialised.length <= MAX_ORIGIN_LENGTH && this.pattern?.test(serialised) === true) ||
      (page !== undefined && this.hosts.has(page.hostname))
    );
  }

  /** Logs once per origin how to allow a page that was refused. */
  reportRefused(origin: string): void {
    const serialised = this.allowable(origin);
    if (serialised === undefined || this.reported.has(serialised)) return;
    if (this.reported.size >= MAX_REPORTED) return;
    this.reported.add(serialised);
    this.logger.warn(
      `refused a page of ${serialised.slice(0, MAX_LOGGED_LENGTH)}: to allow its pages, add it to ` +
        'allow_cors_origins in the configuration file or in OH_ALLOW_CORS_ORIGINS_0',
    );
  }

  /** The serialised origin; undefined if it is invalid or never allowed. */
  private allowable(origin: string): string | undefined {
    const serialised = origin === OPAQUE ? OPAQUE : parseOrigin(origin)?.serialised;
    return serialised === this.ingress ? undefined : serialised;
  }
}

/** Allows every origin. */
const ANY = '*';
/** The origin that browsers send for files, sandboxed frames and the like. */
const OPAQUE = 'null';

/** Whether a page was loaded from the host that it calls: a same-origin request. */
export function isSameHost(origin: string, host: string | undefined): boolean {
  const page = parseOrigin(origin);
  if (host === undefined || !page || !isWebPage(page.protocol)) return false;
  return parseHost(host, page.protocol)?.host === page.host;
}

function isWebPage(protocol: string): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** An origin of the configuration, serialised as browsers send it. */
function serialiseConfigured(written: string): string[] {
  const text = written.trim();
  if (text === ANY || text === OPAQUE) return [text];
  const origin = parseWrittenOrigin(text);
  return origin ? [origin.serialised] : [];
}
