import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { isJsonObject } from '../../json/index.js';

/** What somebody got who signed in at the authorization server of an MCP server. */
export interface OAuthGrant {
  client: OAuthClientInformationMixed;
  tokens: OAuthTokens;
}

/**
 * Renews the access token of an MCP server when the server does not take it any more. To sign in, a person is
 * needed: that is the client's part.
 */
export class TokenRenewal implements OAuthClientProvider {
  /** The SDK takes a client without one for a machine that signs in by itself. Nobody is sent there. */
  readonly redirectUrl = 'http://localhost/';
  readonly clientMetadata: OAuthClientMetadata = { redirect_uris: [this.redirectUrl] };
  private issuer: string | undefined;
  private refused = false;

  /** @param save keeps renewed tokens: the old refresh token may be of no use any more */
  constructor(
    private readonly grant: OAuthGrant,
    private readonly save: (tokens: OAuthTokens) => void,
  ) {}

  clientInformation(): OAuthClientInformationMixed {
    return this.grant.client;
  }

  /** Tokens that do not say who issued them are of the server that the MCP server names. */
  tokens(): OAuthTokens | undefined {
    const { tokens } = this.grant;
    return this.refused ? undefined : { ...tokens, issuer: tokens.issuer ?? this.issuer };
  }

  /** The refresh token is not taken any more. */
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
    // Nobody is sent to sign in, so nothing is verified.
  }

  codeVerifier(): never {
    throw new Error('nobody is signing in');
  }
}

/** The configuration of a server with other tokens in its credentials. */
export function withTokens(server: unknown, tokens: OAuthTokens): Record<string, unknown> {
  const config = isJsonObject(server) ? server : {};
  const auth = isJsonObject(config['auth']) ? config['auth'] : {};
  const state = isJsonObject(auth['state']) ? auth['state'] : {};
  return { ...config, auth: { ...auth, state: { ...state, tokens, token_expires_at: expiry(tokens) } } };
}

/** Seconds since the epoch; null: nobody has said. */
function expiry({ expires_in: seconds }: OAuthTokens): number | null {
  return seconds === undefined ? null : Date.now() / 1_000 + seconds;
}
