import { randomBytes } from 'node:crypto';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';

/** What is known before somebody signs in, and after. */
export interface McpCredentials {
  /** A client that the authorization server knows already. */
  client?: OAuthClientInformationMixed;
  tokens?: OAuthTokens;
  /** When the access token ends (s since the epoch). */
  expiresAt?: number;
}

/**
 * A person signs in at the authorization server of an MCP server: with PKCE, and a client that registers
 * itself where none is given. The person is sent to the address that `onAuthorize` gets, and comes back to
 * the redirect URL with a code.
 */
export class McpSignIn implements OAuthClientProvider {
  private readonly secretState = randomBytes(32).toString('base64url');
  private verifier: string | undefined;
  private discovered: OAuthDiscoveryState | undefined;

  /** @param onAuthorize throws where nobody can be sent anywhere */
  constructor(
    readonly redirectUrl: string,
    readonly clientMetadata: OAuthClientMetadata,
    private readonly credentials: McpCredentials,
    private readonly onAuthorize: (url: URL) => void,
    readonly clientMetadataUrl?: string,
  ) {}

  /** What there is after the sign-in. */
  get outcome(): McpCredentials {
    return this.credentials;
  }

  /** Goes with the person, there and back. */
  state(): string {
    return this.secretState;
  }

  /**
   * Gets tokens for the code with which the person came back.
   * @throws what the SDK throws; texts may hold what the authorization server says
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
    // Tokens that do not say who issued them are of the server that the MCP server names.
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
