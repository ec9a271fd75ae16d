import { randomBytes } from 'node:crypto';
import type { McpProbe, McpProbeRequest, McpSignIn } from '../tools/mcp/index.js';
import { CallbackListener } from './callback-listener.js';
import type { OAuthState, OAuthStatusResponse } from './mcp-responses.js';
import { toOAuthState, type OAuthOptions } from './oauth-credentials.js';
import type { ProbeFailure } from './probe-failure.js';

/** How long a person may take to sign in (ms). */
const SIGN_IN_TIMEOUT_MS = 5 * 60_000;

/** What a sign-in is for. */
export interface OAuthJobRequest {
  probe: Omit<McpProbeRequest, 'signIn'>;
  serverUrl: string;
  options: OAuthOptions;
  /** For each of the two connections, before the sign-in and after (ms). */
  timeoutMs: number;
  /** What an error is for clients. */
  describeFailure: (error: unknown) => ProbeFailure;
  /** What clients see of the credentials. */
  encryptState: (state: OAuthState) => OAuthState;
}

/** One sign-in at an MCP server: what is known of it while it lasts and after. */
export class OAuthJob {
  readonly id = randomBytes(16).toString('hex');
  private listener: CallbackListener | undefined;
  private status: OAuthStatusResponse['status'] = 'pending';
  private authorizationUrl: string | undefined;
  private result: Partial<OAuthStatusResponse> = {};
  private resolveStarted: () => void = () => undefined;
  /** Resolves when a person can sign in, or when there is nothing to wait for. */
  readonly started = new Promise<void>((resolve) => (this.resolveStarted = resolve));
  /** Resolves when it is over, however that went. */
  readonly ended: Promise<void>;

  /** @param signal its end ends the sign-in */
  constructor(
    private readonly request: OAuthJobRequest,
    private readonly signal: AbortSignal,
  ) {
    this.ended = this.run().finally(this.resolveStarted);
  }

  get isOver(): boolean {
    return this.status === 'succeeded' || this.status === 'failed';
  }

  /** What clients see of it. */
  get response(): OAuthStatusResponse {
    const { id, status, authorizationUrl, result: found } = this;
    return {
      ok: status !== 'failed',
      status,
      job_id: id,
      authorization_url: authorizationUrl,
      callback_ready: authorizationUrl !== undefined,
      ...found,
    };
  }

  /** Where the person comes back to, while that is waited for. */
  get waitingListener(): CallbackListener | undefined {
    return this.status === 'authorizing' ? this.listener : undefined;
  }

  private async run(): Promise<void> {
    const { describeFailure: failure, encryptState: shown } = this.request;
    try {
      const { signIn, probe } = await this.signInAndProbe();
      const state = toOAuthState(signIn.outcome);
      this.result = { tools: probe.tools, tool_result: probe.result, oauth_state: state && shown(state) };
      this.status = 'succeeded';
    } catch (error) {
      this.result = failure(error);
      this.status = 'failed';
    } finally {
      this.listener?.close();
    }
  }

  private async signInAndProbe(): Promise<{ signIn: McpSignIn; probe: McpProbe }> {
    const { options } = this.request;
    const listener = await CallbackListener.open(options.port);
    this.listener = listener;
    // A client that has to come back to where somebody else is now is of no use, nor are its tokens.
    const isElsewhere = options.port !== undefined && options.port !== listener.port;
    const credentials = isElsewhere ? {} : { ...options.credentials };
    const metadata = { ...options.metadata, redirect_uris: [listener.redirectUrl], ...CODE_FLOW };
    const onAuthorize = (url: URL): void => {
      listener.expectState(signIn.state());
      this.authorizationUrl = url.href;
      this.status = 'authorizing';
      this.resolveStarted();
    };
    const { clientMetadataUrl } = options;
    const mcp = await import('../tools/mcp/index.js');
    const signIn: McpSignIn = new mcp.McpSignIn(
      listener.redirectUrl,
      metadata,
      credentials,
      onAuthorize,
      clientMetadataUrl,
    );
    return { signIn, probe: await this.probe(signIn, listener) };
  }

  private async probe(signIn: McpSignIn, listener: CallbackListener): Promise<McpProbe> {
    const { serverUrl, timeoutMs } = this.request;
    const { probeMcpServer } = await import('../tools/mcp/index.js');
    const attempt = (): Promise<McpProbe> =>
      probeMcpServer({ ...this.request.probe, signIn }, this.withTimeout(timeoutMs));
    try {
      return await attempt();
    } catch (error) {
      if (this.authorizationUrl === undefined) throw error;
    }
    await signIn.finish(serverUrl, await listener.waitForCode(this.withTimeout(SIGN_IN_TIMEOUT_MS)));
    return attempt();
  }

  private withTimeout(milliseconds: number): AbortSignal {
    return AbortSignal.any([this.signal, AbortSignal.timeout(milliseconds)]);
  }
}

const CODE_FLOW = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] };
