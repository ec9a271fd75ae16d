import {
  BadRequestException,
  ConflictException,
  HttpException,
  Injectable,
  NotFoundException,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Cipher, KnownSecrets, openTokens, secretTexts, tokenSecrets } from '../crypto/index.js';
import { settlesWithin } from '../flow/index.js';
import { toPlain } from '../http/validation/dto.js';
import type { McpProbeRequest, McpServerConfig, McpSignIn } from '../tools/mcp/index.js';
import { isJsonObject } from '../json/index.js';
import { localAddress } from './callback-listener.js';
import type { OAuthState, StartAnswer, StatusAnswer, TestAnswer } from './mcp-answers.js';
import type { MCPTestRequestDto } from './mcp-test.dto.js';
import { oauthState, readOAuth } from './oauth-credentials.js';
import type { OAuthJob } from './oauth-job.js';
import { trialFailure, type TrialFailure } from './trial-failure.js';

/** Servers that are tried at the same time, and sign-ins that are waited for. */
const MAX_AT_ONCE = 16;
/** How long what became of a sign-in can be asked for (ms), and how many are remembered. */
const KEPT_MS = 15 * 60_000;
const MAX_KEPT = 200;
/** How long the start of a sign-in and its callback are waited for (ms); after that it goes on by itself. */
const MAX_START_MS = 30_000;
const CALLBACK_MS = 5_000;
/** Characters of an error. */
const MAX_ERROR = 4_000;

interface Target {
  name: string;
  probe: Omit<McpProbeRequest, 'signIn'>;
  /** How to sign in, if the server wants that. */
  oauth: { auth: Record<string, unknown>; url: string } | undefined;
}

/**
 * Tries MCP servers before they are used, and lets people sign in at them. Nothing is stored: that is the
 * client's part.
 */
@Injectable()
export class McpService implements BeforeApplicationShutdown {
  private readonly closing = new AbortController();
  private readonly jobs = new Map<string, OAuthJob>();
  private readonly trials = new Set<Promise<unknown>>();

  constructor(
    private readonly config: AppConfig,
    private readonly cipher: Cipher,
    private readonly known: KnownSecrets,
  ) {}

  /** Ends what has been started. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort(new Error('The server stops'));
    await Promise.allSettled([...this.trials, ...[...this.jobs.values()].map((job) => job.ended)]);
  }

  /**
   * Connects, lists the tools and calls one if that is asked for. That it does not work is an answer.
   * @throws HttpException 429: too many at once; 422: a secret that no key opens
   */
  async test(request: MCPTestRequestDto): Promise<TestAnswer> {
    if (this.trials.size >= MAX_AT_ONCE) throw tooMany();
    const target = await this.target(request);
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(request.timeout * 1_000)]);
    const signIn = target.oauth && (await signInOf(target.oauth.auth));
    const { probeMcpServer } = await import('../tools/mcp/index.js');
    const trial = probeMcpServer({ ...target.probe, signIn }, signal);
    this.trials.add(trial);
    try {
      const { tools, result } = await trial;
      const state = signIn && oauthState(signIn.outcome);
      return { ok: true, tools, tool_result: result, oauth_state: state && this.shown(state) };
    } catch (error) {
      return { ok: false, ...this.failure(error, target.probe) };
    } finally {
      this.trials.delete(trial);
    }
  }

  /**
   * Begins a sign-in and waits until a person can be sent to it.
   * @throws HttpException 400 without OAuth, 429, 422
   */
  async start(request: MCPTestRequestDto): Promise<StartAnswer> {
    const { probe, oauth } = await this.target(request);
    const { OAuthJob } = await import('./oauth-job.js');
    if (!oauth) throw new BadRequestException("MCP OAuth start requires auth.strategy='oauth2'");
    const going = [...this.jobs.values()].filter((job) => !job.isOver);
    if (going.length >= MAX_AT_ONCE || this.closing.signal.aborted) throw tooMany();
    const timeoutMs = request.timeout * 1_000;
    const job = new OAuthJob(
      {
        probe,
        serverUrl: oauth.url,
        options: readOAuth(oauth.auth),
        timeoutMs,
        failure: (error) => this.failure(error, probe),
        shown: (state) => this.shown(state),
      },
      this.closing.signal,
    );
    this.keep(job);
    await settlesWithin(job.started, Math.max(1_000, Math.min(timeoutMs, MAX_START_MS)));
    const { ok, job_id, authorization_url, error, error_kind } = job.answer;
    return { ok, job_id, authorization_url, error, error_kind };
  }

  /** How far a sign-in is. @throws NotFoundException */
  status(id: string): StatusAnswer {
    return this.job(id).answer;
  }

  /**
   * Takes the address that the browser came back to, where the browser is not on this machine.
   * @throws NotFoundException; BadRequestException for another address; ConflictException when nobody waits
   *   for it
   */
  async callback(id: string, address: string): Promise<StatusAnswer> {
    const job = this.job(id);
    const url = localAddress(address);
    if (!url) throw new BadRequestException('Invalid OAuth callback URL');
    const listener = job.waiting;
    if (!listener) throw new ConflictException('OAuth callback is not ready');
    if (!listener.isOwn(url) || !listener.take(url))
      throw new BadRequestException('Unexpected OAuth callback URL');
    await settlesWithin(job.ended, CALLBACK_MS);
    return job.answer;
  }

  private job(id: string): OAuthJob {
    const job = this.jobs.get(id);
    if (!job) throw new NotFoundException('MCP OAuth job not found');
    return job;
  }

  private keep(job: OAuthJob): void {
    this.jobs.set(job.id, job);
    const over = [...this.jobs.values()].filter(({ isOver }) => isOver);
    for (const { id } of over.slice(0, Math.max(0, this.jobs.size - MAX_KEPT))) this.jobs.delete(id);
    void job.ended.then(() => setTimeout(() => this.jobs.delete(job.id), KEPT_MS).unref());
  }

  /** What is asked for, with its secrets. */
  private async target({ name, server, timeout, tool_call: call }: MCPTestRequestDto): Promise<Target> {
    const given = { mcp_config: Object.fromEntries([[name, toPlain(server)]]) };
    const { value, foreign } = openTokens(given, this.cipher, true);
    const [pointer] = foreign;
    if (pointer !== undefined)
      throw new HttpException(`${pointer.slice(1)} is a token that no key of this server opens`, 422);
    this.known.add(secretTexts(value));
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
    if (!config) throw new HttpException('server has neither a command nor a url', 422);
    const mask = (text: string): string => this.known.mask(text);
    const probe = { config, folder: this.config.base_dir, mask, ...(call && { call }) };
    return { name, probe, oauth: signIn && urlOf(config, signIn) };
  }

  /** Encrypted, where there is a key; and known as secret from now on. */
  private shown(state: OAuthState): OAuthState {
    this.known.add(secretTexts(state));
    return this.cipher.enabled ? tokenSecrets(state, this.cipher) : state;
  }

  private failure(error: unknown, { config }: Target['probe']): TrialFailure {
    const { error: text, error_kind } = trialFailure(error, config);
    return { error: this.known.mask(text).slice(0, MAX_ERROR), error_kind };
  }
}

/** A server that is only tried sends nobody anywhere. */
async function signInOf(auth: Record<string, unknown>): Promise<McpSignIn> {
  const mcp = await import('../tools/mcp/index.js');
  const { credentials, metadata } = readOAuth(auth);
  const redirect = 'http://localhost/';
  return new mcp.McpSignIn(redirect, { ...metadata, redirect_uris: [redirect] }, credentials, () => {
    throw new Error('somebody has to sign in first');
  });
}

function urlOf(config: McpServerConfig, auth: Record<string, unknown>): Target['oauth'] {
  return config.kind === 'stdio' ? undefined : { auth, url: config.url };
}

function tooMany(): HttpException {
  return new HttpException('Too many MCP servers are being tried at the moment', 429);
}
