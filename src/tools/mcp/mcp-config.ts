import { splitBasicAuth } from '../../text/index.js';
import { isJsonObject, asJsonObject } from '../../json/index.js';
import type { OAuthGrant } from './mcp-oauth.js';

/**
 * How to reach a server, from an agent's configuration. Values may refer to secrets as `$NAME` or `${NAME}`.
 */
export type McpServerConfig = { name: string; timeoutSeconds: number | undefined } & (
  | { kind: 'stdio'; command: string; args: string[]; env: Record<string, string>; cwd: string | undefined }
  | { kind: 'http' | 'sse'; url: string; headers: Record<string, string>; grant: OAuthGrant | undefined }
);

/** Parses the servers of a configuration, in order. Disabled and incomplete ones are omitted. */
export function readMcpConfig(config: Readonly<Record<string, unknown>>): McpServerConfig[] {
  return Object.entries(config).flatMap(([name, server]) => {
    const parsed =
      isJsonObject(server) && server['enabled'] !== false ? parseServer(name, server) : undefined;
    return parsed ? [parsed] : [];
  });
}

function parseServer(name: string, server: Record<string, unknown>): McpServerConfig | undefined {
  const { command, args, cwd, url, transport, timeout } = server;
  const timeoutSeconds = typeof timeout === 'number' && timeout > 0 ? timeout : undefined;
  if (typeof url === 'string' && transport !== 'stdio') {
    const grant = oauthGrant(server['auth']);
    // `fetch` rejects credentials in URLs, so they become a header. `auth` takes precedence over them.
    const { url: plain, authorization } = splitBasicAuth(url);
    const basic: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
    const headers = {
      ...stringFields(server['headers']),
      ...basic,
      ...(grant ? {} : authHeaders(server['auth'])),
    };
    return { name, timeoutSeconds, kind: isSse(url, transport) ? 'sse' : 'http', url: plain, headers, grant };
  }
  if (typeof command !== 'string') return undefined;
  return {
    name,
    timeoutSeconds,
    kind: 'stdio',
    command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: stringFields(server['env']),
    cwd: typeof cwd === 'string' ? cwd : undefined,
  };
}

/** Whether to use the older HTTP transport: if configured, or if the URL's path ends in `/sse`. */
function isSse(url: string, transport: unknown): boolean {
  if (typeof transport === 'string') return transport === 'sse';
  return /\/sse\/?(\?|#|$)/.test(url);
}

function authHeaders(auth: unknown): Record<string, string> {
  if (!isJsonObject(auth)) return {};
  const { strategy, value, header_name: header, username, password, headers, state } = auth;
  switch (strategy) {
    case 'bearer':
      return typeof value === 'string' ? { Authorization: `Bearer ${value}` } : {};
    case 'api_key':
      if (typeof value !== 'string') return {};
      return { [typeof header === 'string' && header !== '' ? header : 'X-API-Key']: value };
    case 'basic': {
      const pair = `${String(username)}:${typeof password === 'string' ? password : ''}`;
      return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
    }
    case 'header':
      return stringFields(headers);
    case 'oauth2': {
      // The client obtained the token. Without a refresh token it cannot be renewed here.
      const tokens = isJsonObject(state) ? state['tokens'] : undefined;
      const token = isJsonObject(tokens) ? tokens['access_token'] : undefined;
      return typeof token === 'string' ? { Authorization: `Bearer ${token}` } : {};
    }
    default:
      return {};
  }
}

/** The data for renewing an access token; undefined if it is incomplete. */
function oauthGrant(auth: unknown): OAuthGrant | undefined {
  if (!isJsonObject(auth) || auth['strategy'] !== 'oauth2') return undefined;
  const state = asJsonObject(auth['state']);
  const tokens = asJsonObject(state['tokens']);
  const { access_token, refresh_token, token_type, scope, issuer } = stringFields(tokens);
  const { client_id, client_secret } = {
    ...stringFields(auth['authentication']),
    ...stringFields(asJsonObject(state['client_info'])),
  };
  if (access_token === undefined || refresh_token === undefined || client_id === undefined) return undefined;
  const given = { access_token, refresh_token, token_type: token_type ?? 'Bearer', scope, issuer };
  return { client: { client_id, client_secret }, tokens: given };
}

function stringFields(value: unknown): Record<string, string> {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
