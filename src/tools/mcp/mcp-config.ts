import { splitBasicAuth } from '../../text/index.js';
import { isJsonObject } from '../../json/index.js';
import type { OAuthGrant } from './mcp-oauth.js';

/**
 * How a server is reached, as the configuration of an agent says it. Values may name secrets as `$NAME` or
 * `${NAME}`.
 */
export type McpServerConfig = { name: string; timeoutSeconds: number | undefined } & (
  | { kind: 'stdio'; command: string; args: string[]; env: Record<string, string>; cwd: string | undefined }
  | { kind: 'http' | 'sse'; url: string; headers: Record<string, string>; grant: OAuthGrant | undefined }
);

/** Servers of a configuration, in its order, without those that are switched off or say nothing. */
export function readMcpConfig(config: Readonly<Record<string, unknown>>): McpServerConfig[] {
  return Object.entries(config).flatMap(([name, server]) => {
    const read = isJsonObject(server) && server['enabled'] !== false ? readServer(name, server) : undefined;
    return read ? [read] : [];
  });
}

function readServer(name: string, server: Record<string, unknown>): McpServerConfig | undefined {
  const { command, args, cwd, url, transport, timeout } = server;
  const timeoutSeconds = typeof timeout === 'number' && timeout > 0 ? timeout : undefined;
  if (typeof url === 'string' && transport !== 'stdio') {
    const grant = oauthGrant(server['auth']);
    // `fetch` takes no name and password in an address. An `auth` of the server goes before them.
    const { url: plain, authorization } = splitBasicAuth(url);
    const basic: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
    const headers = {
      ...textsIn(server['headers']),
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
    env: textsIn(server['env']),
    cwd: typeof cwd === 'string' ? cwd : undefined,
  };
}

/** The older of the two protocols over HTTP: if somebody says so, or by the address that it usually has. */
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
      return textsIn(headers);
    case 'oauth2': {
      // The client has got it; without a refresh token it cannot be renewed.
      const tokens = isJsonObject(state) ? state['tokens'] : undefined;
      const token = isJsonObject(tokens) ? tokens['access_token'] : undefined;
      return typeof token === 'string' ? { Authorization: `Bearer ${token}` } : {};
    }
    default:
      return {};
  }
}

/** What is needed to renew an access token, if all of it is there. */
function oauthGrant(auth: unknown): OAuthGrant | undefined {
  if (!isJsonObject(auth) || auth['strategy'] !== 'oauth2') return undefined;
  const state = objectIn(auth, 'state');
  const tokens = objectIn(state, 'tokens');
  const { access_token, refresh_token, token_type, scope, issuer } = textsIn(tokens);
  const { client_id, client_secret } = {
    ...textsIn(auth['authentication']),
    ...textsIn(objectIn(state, 'client_info')),
  };
  if (access_token === undefined || refresh_token === undefined || client_id === undefined) return undefined;
  const given = { access_token, refresh_token, token_type: token_type ?? 'Bearer', scope, issuer };
  return { client: { client_id, client_secret }, tokens: given };
}

function objectIn(value: Record<string, unknown>, key: string): Record<string, unknown> {
  const { [key]: item } = value;
  return isJsonObject(item) ? item : {};
}

function textsIn(value: unknown): Record<string, string> {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
