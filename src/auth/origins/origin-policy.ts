import { isIP } from 'node:net';
import { Logger } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import { originInUrl, parseHost, parseOrigin, parseWrittenOrigin } from '../../text/index.js';

/** What says which pages may call the server. */
export type OriginOptions = Pick<
  AppConfig,
  'allow_cors_origins' | 'allow_cors_origin_regex' | 'web_url' | 'app_backend_public_url' | 'session_api_keys'
>;

/**
 * Any web page may call these paths on a server with a key: the workspace cookie protects what they serve.
 */
const COOKIE_PATHS = /^\/api\/(auth\/workspace-session$|conversations\/[^/]+\/workspace(\/|$))/;

/** The longest origin that a pattern is asked about (characters); a host name has at most 253. */
const MAX_ORIGIN_LENGTH = 300;
/** So many origins are named in the log; a page can make up as many as it likes. */
const MAX_REPORTED = 100;
const MAX_LOGGED_LENGTH = 200;

/**
 * Which pages of other origins may call the server: those of this machine, those that the configuration
 * names, and at the paths with their own cookie all of them. Pages of back ends of canvas extensions never
 * may.
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
    /** A further host name that is trusted like localhost (how containers reach their host). */
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
   * @param origin as the `Origin` header has it
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

  /**
   * Says in the log, once for each origin that could be allowed, what to do about a page that was refused.
   */
  reportRefused(origin: string): void {
    const serialised = this.allowable(origin);
    if (serialised === undefined || this.reported.has(serialised)) return;
    if (this.reported.size >= MAX_REPORTED) return;
    this.reported.add(serialised);
    this.logger.warn(
      `a page of ${serialised.slice(0, MAX_LOGGED_LENGTH)} was refused: to let its pages use this server, ` +
        'add it to allow_cors_origins in the configuration file or in OH_ALLOW_CORS_ORIGINS_0',
    );
  }

  /** The serialised origin, unless it is none or one that is never allowed. */
  private allowable(origin: string): string | undefined {
    const serialised = origin === OPAQUE ? OPAQUE : parseOrigin(origin)?.serialised;
    return serialised === this.ingress ? undefined : serialised;
  }
}

/** Allows every origin. */
const ANY = '*';
/** How browsers serialise the origin of files, sandboxed frames and the like. */
const OPAQUE = 'null';

/**
 * The page was loaded from the host that it calls, so the browser does not take the call for a foreign one.
 */
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

/** An origin of the configuration as browsers send it. */
function serialiseConfigured(written: string): string[] {
  const text = written.trim();
  if (text === ANY || text === OPAQUE) return [text];
  const origin = parseWrittenOrigin(text);
  return origin ? [origin.serialised] : [];
}
