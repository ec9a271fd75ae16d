import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { isJsonObject } from '../../json/index.js';

/** The result of a sign-in at the authorization server of an MCP server. */
export interface OAuthGrant {
  client: OAuthClientInformationMixed;
  tokens: OAuthTokens;
}

/**
 * Renews the access token of an MCP server when the server rejects it. Signing in needs a person, so clients
 * do that.
 */
export class TokenRenewal implements OAuthClientProvider {
  /** Unused, but without it the SDK would use the client credentials grant. */
  readonly redirectUrl = 'http://localhost/';
  readonly clientMetadata: OAuthClientMetadata = { redirect_uris: [this.redirectUrl] };
  private issuer: string | undefined;
  private refused = false;

  /** @param save stores renewed tokens. The old refresh token may have become invalid. */
  constructor(
    private readonly grant: OAuthGrant,
    private readonly save: (tokens: OAuthTokens) => void,
  ) {}

  clientInformation(): OAuthClientInformationMixed {
    return this.grant.client;
  }

  /** Tokens without an issuer belong to the authorization server that the MCP server names. */
  tokens(): OAuthTokens | undefined {
    const { tokens } = this.grant;
    return this.refused ? undefined : { ...tokens, issuer: tokens.issuer ?? this.issuer };
  }

  /** Called when the refresh token is rejected. */
  invalidateCredentials(): void {
    this.refused = true;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.grant.tokens = tokens;
    this.save(tokens);
  }

  saveDiscoveryState({ authorizationServerUrl }: { authorizationServerUrl: string }): void {
    this.issuer = authorizationServerUrl;
  }

  redirectToAuthorization(): never {
    throw new Error('the sign-in has expired and cannot be renewed; somebody has to sign in again');
  }

  saveCodeVerifier(): void {
    // There is no sign-in, so there is nothing to verify.
  }

  codeVerifier(): never {
    throw new Error('nobody is signing in');
  }
}

/** The configuration of a server with its tokens replaced. */
export function withTokens(server: unknown, tokens: OAuthTokens): Record<string, unknown> {
  const config = isJsonObject(server) ? server : {};
  const auth = isJsonObject(config['auth']) ? config['auth'] : {};
  const state = isJsonObject(auth['state']) ? auth['state'] : {};
  return { ...config, auth: { ...auth, state: { ...state, tokens, token_expires_at: expiry(tokens) } } };
}

/** Seconds since the epoch; null if unknown. */
function expiry({ expires_in: seconds }: OAuthTokens): number | null {
  return seconds === undefined ? null : Date.now() / 1_000 + seconds;
}
