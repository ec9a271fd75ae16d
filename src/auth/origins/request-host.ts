import type { IncomingMessage } from 'node:http';
import type { AppConfig } from '../../config/index.js';

type WithHeaders = Pick<IncomingMessage, 'headers'>;
type Trust = Pick<AppConfig, 'trust_forwarded_headers'>;

/** The host that the client requested: behind a trusted proxy, the first one in `X-Forwarded-Host`. */
export function hostOf({ headers }: WithHeaders, trust: Trust): string | undefined {
  return forwardedHosts(headers, trust)[0] ?? headers.host;
}

/** The protocol that the client used, such as `https`: a trusted proxy says it in `X-Forwarded-Proto`. */
export function protocolOf({ headers }: WithHeaders, trust: Trust): string {
  const forwarded = trust.trust_forwarded_headers ? headers['x-forwarded-proto'] : undefined;
  return forwarded?.toString().split(',')[0]?.trim() ?? 'http';
}

/** All hosts that a request may be for. A proxy may pass on a header of the client in addition to its own. */
export function hostsOf({ headers }: IncomingMessage, trust: Trust): string[] {
  return [...forwardedHosts(headers, trust), ...(headers.host === undefined ? [] : [headers.host])];
}

function forwardedHosts(headers: IncomingMessage['headers'], trust: Trust): string[] {
  const forwarded = trust.trust_forwarded_headers ? headers['x-forwarded-host'] : undefined;
  return forwarded === undefined
    ? []
    : String(forwarded)
        .split(',')
        .map((host) => host.trim());
}
