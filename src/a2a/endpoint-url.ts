import type { IncomingMessage } from 'node:http';
import { hostOf, protocolOf } from '../auth/index.js';
import type { AppConfig } from '../config/index.js';
import { parseHost } from '../text/index.js';

const PATH = '/a2a';

/**
 * Where clients reach the agent: below the public URL of the server, if it is configured, or at the host that
 * they have asked for the card.
 */
export function endpointUrl(request: Pick<IncomingMessage, 'headers'>, config: AppConfig): string {
  const { web_url: configured } = config;
  if (configured !== null) return `${configured.replace(/\/$/, '')}${PATH}`;
  const protocol = protocolOf(request, config) === 'https' ? 'https:' : 'http:';
  const host = parseHost(hostOf(request, config) ?? '', protocol);
  return `${host?.serialised ?? 'http://localhost'}${PATH}`;
}
