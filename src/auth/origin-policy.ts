import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/index.js';
import { withoutEndSlashes } from '../text/index.js';

/** What says which pages may call the server. */
export type OriginOptions = Pick<AppConfig, 'allow_cors_origins' | 'allow_cors_origin_regex' | 'web_url'>;

/** Any web page may ask here: what these paths serve is protected by its own cookie. */
const COOKIE_PATHS = /^\/api\/(auth\/workspace-session$|conversations\/[^/]+\/workspace(\/|$))/;

/** The longest origin that a pattern is asked about (characters); a host name has at most 253. */
const MAX_ORIGIN = 300;
/** So many origins are named in the log; a page can make up as many as it likes. */
const REPORTED_AT_MOST = 100;
const SHOWN_CHARACTERS = 200;

/**
 * Which pages of other origins may call the server: those of this machine, those that the configuration names, and at
 * the paths with their own cookie all of them.
 */
export class OriginPolicy {
  private readonly logger = new Logger('Origins');
  private readonly reported = new Set<string>();
  private readonly exact: ReadonlySet<string>;
  private readonly hosts: ReadonlySet<string>;
  private readonly pattern: RegExp | undefined;

  constructor(
    options: OriginOptions,
    /** A further host name that is trusted like localhost (how containers reach their host). */
    trustedHost: string | undefined = process.env['DOCKER_HOST_ADDR'],
  ) {
    const { allow_cors_origins: origins, allow_cors_origin_regex: regex, web_url: webUrl } = options;
    this.exact = new Set([...origins.map(asSent), ...originOf(webUrl)]);
    this.hosts = new Set(['localhost', '127.0.0.1', ...(trustedHost ? [trustedHost] : [])]);
    this.pattern = regex === null ? undefined : new RegExp(`^(?:${regex})$`);
  }

  /** Whether pages of this origin may call this path and read its answers. */
  allows(origin: string, path: string): boolean {
    if (COOKIE_PATHS.test(path)) return /^https?:\/\//.test(origin);
    return (
      this.exact.has('*') ||
      this.exact.has(origin) ||
      (origin.length <= MAX_ORIGIN && this.pattern?.test(origin) === true) ||
      (URL.canParse(origin) && this.hosts.has(new URL(origin).hostname))
    );
  }

  /** Says in the log, once for each origin, what to do about a page that was refused. */
  reportRefused(origin: string): void {
    if (this.reported.has(origin) || this.reported.size >= REPORTED_AT_MOST) return;
    this.reported.add(origin);
    this.logger.warn(
      `a page of ${origin.slice(0, SHOWN_CHARACTERS)} was refused: to let its pages use this server, ` +
        'add it to allow_cors_origins in the configuration file or in OH_ALLOW_CORS_ORIGINS_0',
    );
  }
}

/** The page was loaded from the host that it calls, so the browser does not take the call for a foreign one. */
export function isSameHost(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** As a browser sends it: no slash at the end, no port that goes without saying, a host in lower case. */
function asSent(origin: string): string {
  const [written] = /^https?:/i.test(origin) ? originOf(origin) : [];
  return written ?? withoutEndSlashes(origin);
}

function originOf(url: string | null): string[] {
  return url !== null && URL.canParse(url) ? [new URL(url).origin] : [];
}
