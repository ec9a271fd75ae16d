import { randomBytes } from 'node:crypto';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';

/** Credentials before and after a sign-in. */
export interface McpCredentials {
  /** A client that is registered at the authorization server. */
  client?: OAuthClientInformationMixed;
  tokens?: OAuthTokens;
  /** When the access token expires (seconds since the epoch). */
  expiresAt?: number;
}

/**
 * Lets a person sign in at the authorization server of an MCP server, with PKCE and, if no client is given,
 * dynamic client registration. The person opens the URL that `onAuthorize` receives and is redirected to
 * `redirectUrl` with a code.
 */
export class McpSignIn implements OAuthClientProvider {
  private readonly stateParameter = randomBytes(32).toString('base64url');
  private verifier: string | undefined;
  private discovered: OAuthDiscoveryState | undefined;

  /** @param onAuthorize throws if there is no person to sign in */
  constructor(
    readonly redirectUrl: string,
    readonly clientMetadata: OAuthClientMetadata,
    private readonly credentials: McpCredentials,
    private readonly onAuthorize: (url: URL) => void,
    readonly clientMetadataUrl?: string,
  ) {}

  /** The credentials after the sign-in. */
  get outcome(): McpCredentials {
    return this.credentials;
  }

  /** The OAuth `state` parameter, which the redirect must repeat. */
  state(): string {
    return this.stateParameter;
  }

  /**
   * Exchanges the code of the redirect for tokens.
   * @throws errors of the SDK, whose messages may quote the authorization server
   */
  async finish(serverUrl: string, code: string): Promise<void> {
    const { auth } = await import('@modelcontextprotocol/sdk/client/auth.js');
    await auth(this, { serverUrl, authorizationCode: code });
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.credentials.client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.credentials.client = client;
  }

  tokens(): OAuthTokens | undefined {
    const { tokens } = this.credentials;
    // Tokens without an issuer belong to the authorization server that the MCP server names.
    return tokens && { ...tokens, issuer: tokens.issuer ?? this.discovered?.authorizationServerUrl };
  }

  saveTokens(tokens: OAuthTokens): void {
    this.credentials.tokens = tokens;
    const { expires_in: seconds } = tokens;
    this.credentials.expiresAt = seconds === undefined ? undefined : Date.now() / 1_000 + seconds;
  }

  redirectToAuthorization(url: URL): void {
    this.onAuthorize(url);
  }

  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier;
  }

  codeVerifier(): string {
    if (this.verifier === undefined) throw new Error('nobody is signing in');
    return this.verifier;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.discovered = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.discovered;
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'tokens') this.credentials.tokens = undefined;
    if (scope === 'all' || scope === 'client') this.credentials.client = undefined;
    if (scope === 'all' || scope === 'verifier') this.verifier = undefined;
    if (scope === 'all' || scope === 'discovery') this.discovered = undefined;
  }
}
