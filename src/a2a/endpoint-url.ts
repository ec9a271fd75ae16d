import type { IncomingMessage } from 'node:http';
import type { AppConfig } from '../config/index.js';
import { parseHost } from '../text/index.js';

const PATH = '/a2a';

/**
 * Where clients reach the agent: below the public URL of the server, if it is configured, or at the host that
 * they have asked for the card.
 */
export function endpointUrl({ headers }: Pick<IncomingMessage, 'headers'>, config: AppConfig): string {
  const { web_url: configured, trust_forwarded_headers: trusts } = config;
  if (configured !== null) return `${configured.replace(/\/$/, '')}${PATH}`;
  const protocol = trusts && first(headers['x-forwarded-proto']) === 'https' ? 'https:' : 'http:';
  const host = (trusts ? first(headers['x-forwarded-host']) : undefined) ?? headers.host ?? '';
  return `${parseHost(host, protocol)?.serialised ?? 'http://localhost'}${PATH}`;
}

function first(header: string | string[] | undefined): string | undefined {
  return header?.toString().split(',')[0]?.trim();
}
