import { randomBytes } from 'node:crypto';
import type { McpProbe, McpProbeRequest, McpSignIn } from '../tools/index.js';
import { CallbackListener } from './callback-listener.js';
import type { OAuthState, OAuthStatusResponse } from './mcp-responses.js';
import { toOAuthState, type OAuthOptions } from './oauth-credentials.js';
import type { ProbeFailure } from './probe-failure.js';

/** Time for the user to sign in (ms). */
const SIGN_IN_TIMEOUT_MS = 5 * 60_000;

/** Parameters of a sign-in. */
interface OAuthJobRequest {
  probe: Omit<McpProbeRequest, 'signIn'>;
  serverUrl: string;
  options: OAuthOptions;
  /** Timeout of each of the two connections, before and after the sign-in (ms). */
  timeoutMs: number;
  /** Converts an error for clients. */
  describeFailure: (error: unknown) => ProbeFailure;
  /** Converts credentials for clients. */
  encryptState: (state: OAuthState) => OAuthState;
}

/** One sign-in at an MCP server. */
export class OAuthJob {
  readonly id = randomBytes(16).toString('hex');
  private listener: CallbackListener | undefined;
  private status: OAuthStatusResponse['status'] = 'pending';
  private authorizationUrl: string | undefined;
  private result: Partial<OAuthStatusResponse> = {};
  private resolveStarted: () => void = () => undefined;
  /** Resolves when the user can sign in or the job has ended. */
  readonly started = new Promise<void>((resolve) => (this.resolveStarted = resolve));
  /** Resolves when the job has ended, successfully or not. */
  readonly ended: Promise<void>;

  /** @param signal aborts the sign-in */
  constructor(
    private readonly request: OAuthJobRequest,
    private readonly signal: AbortSignal,
  ) {
    this.ended = this.run().finally(this.resolveStarted);
  }

  get isOver(): boolean {
    return this.status === 'succeeded' || this.status === 'failed';
  }

  /** The status for clients. */
  get response(): OAuthStatusResponse {
    const { id, status, authorizationUrl, result } = this;
    return {
      ok: status !== 'failed',
      status,
      job_id: id,
      authorization_url: authorizationUrl,
      callback_ready: authorizationUrl !== undefined,
      ...result,
    };
  }

  /** The listener that waits for the callback, if any. */
  get waitingListener(): CallbackListener | undefined {
    return this.status === 'authorizing' ? this.listener : undefined;
  }

  private async run(): Promise<void> {
    const { describeFailure, encryptState } = this.request;
    try {
      const { signIn, probe } = await this.signInAndProbe();
      const state = toOAuthState(signIn.outcome);
      this.result = {
        tools: probe.tools,
        tool_result: probe.result,
        oauth_state: state && encryptState(state),
      };
      this.status = 'succeeded';
    } catch (error) {
      this.result = describeFailure(error);
      this.status = 'failed';
    } finally {
      this.listener?.close();
    }
  }

  private async signInAndProbe(): Promise<{ signIn: McpSignIn; probe: McpProbe }> {
    const { options } = this.request;
    const listener = await CallbackListener.open(options.port);
    this.listener = listener;
    // The registered redirect URI has another port, so client and tokens cannot be used.
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
