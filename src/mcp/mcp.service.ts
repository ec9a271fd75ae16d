import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Cipher, KnownSecrets, openTokens, secretTexts, tokenSecrets } from '../crypto/index.js';
import { InvalidRequestError, RejectedError } from '../errors/index.js';
import { settlesWithin } from '../flow/index.js';
import { toPlain } from '../http/index.js';
import type { McpProbeRequest, McpServerConfig, McpSignIn } from '../tools/index.js';
import { isJsonObject, type JsonObject } from '../json/index.js';
import { Sandbox } from '../sandbox/index.js';
import { ExpiringRecords } from '../storage/index.js';
import { isExpected, parseLocalUrl } from './callback-listener.js';
import { oauthNotConfigured, signInNotWaiting, tooManyProbes, unexpectedCallback } from './mcp-errors.js';
import type {
  OAuthState,
  OAuthStartResponse,
  OAuthStatusResponse,
  McpTestResponse,
} from './mcp-responses.js';
import type { MCPTestRequestDto } from './mcp-test.dto.js';
import { toOAuthState, parseOAuthOptions } from './oauth-credentials.js';
import type { OAuthJob } from './oauth-job.js';
import { SharedSignIns } from './shared-sign-ins.js';
import { toProbeFailure, type ProbeFailure } from './probe-failure.js';

/** Most concurrent probes, and most open sign-ins. */
const MAX_CONCURRENT = 16;
/** How long the result of a sign-in is kept (ms), and how many are kept. */
const JOB_TTL_MS = 15 * 60_000;
const MAX_JOBS = 200;
/**
 * Time that a request waits for the start of a sign-in and for its callback (ms); the sign-in continues after
 * that.
 */
const START_TIMEOUT_MS = 30_000;
const CALLBACK_TIMEOUT_MS = 5_000;
/** Longest error text (characters). */
const MAX_ERROR = 4_000;

interface ProbeTarget {
  name: string;
  probe: Omit<McpProbeRequest, 'signIn'>;
  /** Sign-in settings, if OAuth is configured. */
  oauth: { auth: JsonObject; url: string } | undefined;
}

/**
 * Tests MCP servers before they are used, and handles sign-ins. Nothing is stored: clients store the result.
 */
@Injectable()
export class McpService implements BeforeApplicationShutdown {
  private readonly closing = new AbortController();
  private readonly jobs = new Map<string, OAuthJob>();
  private readonly probes = new Set<Promise<unknown>>();
  private readonly shared: SharedSignIns;

  constructor(
    private readonly config: AppConfig,
    private readonly cipher: Cipher,
    private readonly knownSecrets: KnownSecrets,
    private readonly sandbox: Sandbox,
    records: ExpiringRecords,
  ) {
    this.shared = new SharedSignIns(records, JOB_TTL_MS);
  }

  /** Aborts probes and sign-ins. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort(new Error('The server stops'));
    await Promise.allSettled([...this.probes, ...[...this.jobs.values()].map((job) => job.ended)]);
    await this.shared.settled();
  }

  /**
   * Connects, lists the tools and optionally calls one. A failure is a result.
   * @throws LimitError; InvalidRequestError for a secret that cannot be decrypted
   */
  async test(request: MCPTestRequestDto): Promise<McpTestResponse> {
    if (this.probes.size >= MAX_CONCURRENT) throw tooManyProbes();
    const resolveTarget = await this.target(request);
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(request.timeout * 1_000)]);
    const signIn = resolveTarget.oauth && (await nonInteractiveSignIn(resolveTarget.oauth.auth));
    const { probeMcpServer } = await import('../tools/mcp/index.js');
    const probe = probeMcpServer({ ...resolveTarget.probe, signIn }, signal);
    this.probes.add(probe);
    try {
      const { tools, result } = await probe;
      const state = signIn && toOAuthState(signIn.outcome);
      return { ok: true, tools, tool_result: result, oauth_state: state && this.shown(state) };
    } catch (error) {
      return { ok: false, ...this.failure(error, resolveTarget.probe) };
    } finally {
      this.probes.delete(probe);
    }
  }

  /**
   * Starts a sign-in and waits until the user can be sent to its URL.
   * @throws RejectedError, LimitError, InvalidRequestError
   */
  async start(request: MCPTestRequestDto): Promise<OAuthStartResponse> {
    const { probe, oauth } = await this.target(request);
    const { OAuthJob } = await import('./oauth-job.js');
    if (!oauth) throw oauthNotConfigured();
    const pending = [...this.jobs.values()].filter((job) => !job.isOver);
    if (pending.length >= MAX_CONCURRENT || this.closing.signal.aborted) throw tooManyProbes();
    const timeoutMs = request.timeout * 1_000;
    const job = new OAuthJob(
      {
        probe,
        serverUrl: oauth.url,
        options: parseOAuthOptions(oauth.auth),
        timeoutMs,
        describeFailure: (error) => this.failure(error, probe),
        encryptState: (state) => this.shown(state),
      },
      this.closing.signal,
    );
    this.addJob(job);
    const shared = this.shared.share(job);
    await settlesWithin(job.started, Math.max(1_000, Math.min(timeoutMs, START_TIMEOUT_MS)));
    // The next request may go to another server.
    await shared.refresh();
    const { ok, job_id, authorization_url, error, error_kind } = job.response;
    return { ok, job_id, authorization_url, error, error_kind };
  }

  /** The status of a sign-in. @throws NotFoundError */
  async status(id: string): Promise<OAuthStatusResponse> {
    return this.jobs.get(id)?.response ?? (await this.shared.status(id));
  }

  /**
   * Handles the callback URL of a browser on another machine.
   * @throws NotFoundError, RejectedError; ConflictError if no sign-in waits for it
   */
  async callback(id: string, address: string): Promise<OAuthStatusResponse> {
    const job = this.jobs.get(id);
    if (!job) await this.shared.status(id);
    const url = parseLocalUrl(address);
    if (!url) throw new RejectedError('Invalid OAuth callback URL');
    if (!job) return this.shared.callback(id, url, CALLBACK_TIMEOUT_MS);
    const listener = job.waitingListener;
    if (!listener?.expected) throw signInNotWaiting();
    if (!isExpected(url, listener.expected) || !listener.accept(url)) throw unexpectedCallback();
    await settlesWithin(job.ended, CALLBACK_TIMEOUT_MS);
    return job.response;
  }

  private addJob(job: OAuthJob): void {
    this.jobs.set(job.id, job);
    const over = [...this.jobs.values()].filter(({ isOver }) => isOver);
    for (const { id } of over.slice(0, Math.max(0, this.jobs.size - MAX_JOBS))) this.jobs.delete(id);
    void job.ended.then(() => setTimeout(() => this.jobs.delete(job.id), JOB_TTL_MS).unref());
  }

  /** The requested server with decrypted secrets. */
  private async target({ name, server, timeout, tool_call: call }: MCPTestRequestDto): Promise<ProbeTarget> {
    const given = { mcp_config: Object.fromEntries([[name, toPlain(server)]]) };
    const { value, foreign } = openTokens(given, this.cipher, true);
    const [pointer] = foreign;
    if (pointer !== undefined)
      throw new InvalidRequestError(
        [],
        `${pointer.slice(1)} cannot be decrypted with the keys of this server`,
      );
    this.knownSecrets.add(secretTexts(value));
    const opened = isJsonObject(value['mcp_config']) ? value['mcp_config'][name] : undefined;
    const fields = isJsonObject(opened) ? opened : {};
    const auth = isJsonObject(fields['auth']) ? fields['auth'] : undefined;
    const signIn = auth?.['strategy'] === 'oauth2' ? auth : undefined;
    const { type } = fields;
    const transport = type === 'shttp' ? 'http' : type;
    const { readMcpConfig } = await import('../tools/mcp/index.js');
    const [config] = readMcpConfig({
      ...Object.fromEntries([[name, { ...fields, transport, timeout, auth: signIn ? null : auth }]]),
    });
    if (!config) throw new InvalidRequestError([], 'server has neither a command nor a url');
    const mask = (text: string): string => this.knownSecrets.mask(text);
    const confinement = this.sandbox.confine({ workspace: this.config.paths.workspace });
    const probe = { config, folder: this.config.base_dir, confinement, mask, ...(call && { call }) };
    return { name, probe, oauth: signIn && oauthTarget(config, signIn) };
  }

  /** Encrypts the state if there is a key. Its secrets are masked from now on. */
  private shown(state: OAuthState): OAuthState {
    this.knownSecrets.add(secretTexts(state));
    return this.cipher.enabled ? tokenSecrets(state, this.cipher) : state;
  }

  private failure(error: unknown, { config }: ProbeTarget['probe']): ProbeFailure {
    const { error: text, error_kind } = toProbeFailure(error, config);
    return { error: this.knownSecrets.mask(text).slice(0, MAX_ERROR), error_kind };
  }
}

/** A plain probe never sends the user to a sign-in. */
async function nonInteractiveSignIn(auth: JsonObject): Promise<McpSignIn> {
  const mcp = await import('../tools/mcp/index.js');
  const { credentials, metadata } = parseOAuthOptions(auth);
  const redirect = 'http://localhost/';
  return new mcp.McpSignIn(redirect, { ...metadata, redirect_uris: [redirect] }, credentials, () => {
    throw new Error('the user has to sign in first');
  });
}

function oauthTarget(config: McpServerConfig, auth: JsonObject): ProbeTarget['oauth'] {
  return config.kind === 'stdio' ? undefined : { auth, url: config.url };
}
