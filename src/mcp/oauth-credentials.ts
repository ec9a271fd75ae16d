import type { McpCredentials } from '../tools/index.js';
import { isJsonObject, type JsonObject, asJsonObject } from '../json/index.js';
import type { OAuthState } from './mcp-responses.js';

/** Client name for dynamic registration. */
const CLIENT_NAME = 'OpenHands Agent Server';

/** OAuth settings of a request. */
export interface OAuthOptions {
  credentials: McpCredentials;
  /** Additional metadata for client registration. */
  metadata: JsonObject;
  clientMetadataUrl?: string;
  /** Port of the registered redirect URI, which cannot be changed. */
  port?: number;
}

/** Parses `auth` with the strategy `oauth2`; invalid values are ignored. */
export function parseOAuthOptions(auth: JsonObject): OAuthOptions {
  const authentication = asJsonObject(auth['authentication']);
  const state = asJsonObject(auth['state']);
  const { scopes, additional_client_metadata: additional } = authentication;
  const { client_name, client_metadata_url, client_auth_method, client_id, client_secret } =
    textsIn(authentication);
  const scope = Array.isArray(scopes) ? scopes.map(String).join(' ') : scopes;
  const registered = clientOf(asJsonObject(state['client_info']));
  const client = client_id === undefined ? registered : { client_id, client_secret };
  return {
    credentials: { client, tokens: tokensOf(state), expiresAt: numberIn(state, 'token_expires_at') },
    metadata: {
      ...(isJsonObject(additional) && additional),
      client_name: client_name ?? CLIENT_NAME,
      ...(typeof scope === 'string' && scope !== '' && { scope }),
      ...(client_auth_method !== undefined && { token_endpoint_auth_method: client_auth_method }),
    },
    clientMetadataUrl: client_metadata_url,
    port: client_id === undefined ? portOf(registered?.redirect_uris) : undefined,
  };
}

/** The credentials as clients store them; undefined without tokens. */
export function toOAuthState({ client, tokens, expiresAt }: McpCredentials): OAuthState | undefined {
  if (!tokens) return undefined;
  return {
    tokens,
    ...(client && { client_info: client }),
    ...(expiresAt !== undefined && { token_expires_at: expiresAt }),
  };
}

function tokensOf(state: JsonObject): McpCredentials['tokens'] {
  const tokens = asJsonObject(state['tokens']);
  const { access_token, refresh_token, token_type, scope, issuer } = textsIn(tokens);
  if (access_token === undefined) return undefined;
  return {
    access_token,
    refresh_token,
    token_type: token_type ?? 'Bearer',
    scope,
    issuer,
    expires_in: numberIn(tokens, 'expires_in'),
  };
}

function clientOf(info: JsonObject): (McpCredentials['client'] & { redirect_uris: string[] }) | undefined {
  const { client_id, client_secret, issuer, token_endpoint_auth_method } = textsIn(info);
  if (client_id === undefined) return undefined;
  const { redirect_uris: uris } = info;
  const redirect_uris = Array.isArray(uris) ? uris.map(String) : [];
  return { client_id, client_secret, issuer, token_endpoint_auth_method, redirect_uris };
}

function portOf(uris: readonly string[] = []): number | undefined {
  const [uri = ''] = uris;
  return /^http:\/\/localhost:\d+\/callback$/.test(uri) ? Number(new URL(uri).port) : undefined;
}

function numberIn(value: JsonObject, key: string): number | undefined {
  const { [key]: item } = value;
  return typeof item === 'number' ? item : undefined;
}

function textsIn(value: JsonObject): Partial<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
