import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import type { AcpAgentSpec } from '../agent/agent-spec.js';
import type { EventDraft } from '../events/index.js';
import { makeTemporaryFolder } from '../files/index.js';
import { MAX_TIMER_MS } from '../flow/index.js';
import { asJsonObject } from '../json/index.js';
import { endSessionProcesses, SESSION_VARIABLE } from '../processes/index.js';
import type { JsonObject } from '../json/index.js';
import { AcpConnection } from './acp-connection.js';
import { AcpTimeoutError, inTime } from './acp-error.js';
import { markOf } from './agent-mark.js';
import { agentStateUpdate, knownSession, withSession } from './acp-state.js';
import { ClientFiles } from './client-files.js';
import { ClientTerminals } from './client-terminals.js';
import { agentEnvironment, mcpServersFor, type FleetingSecrets } from './environment.js';
import { toOutcome } from './permission.js';

/** What an agent from elsewhere needs of its conversation. */
export interface AcpHost {
  readonly conversationId: string;
  /** As it is now: its model can change. */
  readonly agent: AcpAgentSpec;
  /** Absolute path of the workspace. */
  readonly workingDir: string;
  /** Where it may keep files of its own for this conversation (absolute path). */
  readonly folder: string;
  /** The secrets of the conversation, by name; what cannot be had is left out. */
  secrets(signal: AbortSignal): Promise<Record<string, string>>;
  /** Names of secrets whose values are not to be kept with the conversation. */
  fleetingSecrets(): string[];
  /** A text without secrets. */
  mask(text: string): string;
}

/** Who hears of the session of the conversation. */
export interface SessionListener {
  /** @param size of the news (characters) */
  onUpdate(update: Record<string, unknown>, size: number): void;
  onPermission(request: RequestPermissionRequest): Promise<RequestPermissionResponse>;
  room(): Promise<void>;
}

/** What a start of the agent changes in its conversation, and how long it is wanted. */
export interface ConnectContext {
  readonly agentState: JsonObject;
  readonly signal: AbortSignal;
  append(...drafts: EventDraft[]): Promise<unknown>;
}

/** A time of the configuration for a timer. */
export function milliseconds(seconds: number): number {
  return Math.min(Math.max(seconds * 1000, 0), MAX_TIMER_MS);
}

/** Text of one answer that is kept (characters). */
const MAX_ANSWER = 200_000;

/** Starts the agent of a conversation when it is needed, and again when it has ended. */
export class AcpConnector {
  private readonly logger = new Logger('Acp');
  private connection: AcpConnection | undefined;
  private connecting: Promise<AcpConnection> | undefined;
  private closed = false;
  /** Where the files of fleeting secrets are, while the agent runs. */
  private fleeting: string | undefined;
  /** Who listens to copies of the session, by their ids. */
  private readonly beside = new Map<string, (update: Record<string, unknown>) => void>();

  constructor(
    private readonly host: AcpHost,
    private readonly listener: SessionListener,
  ) {}

  /** All processes of the agent carry it. */
  private get mark(): string {
    return markOf(this.host.conversationId);
  }

  /** The agent, if it runs. */
  get current(): AcpConnection | undefined {
    return this.connection?.isOpen ? this.connection : undefined;
  }

  /** @throws AcpError; the reason of the signal once it is aborted */
  async connect(context: ConnectContext): Promise<AcpConnection> {
    const { current } = this;
    if (current) return current;
    this.connecting ??= this.start(context).finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  /** Asks a copy of the session a question. @throws AcpError, AcpUnsupportedError, AcpTimeoutError */
  async ask(connection: AcpConnection, question: string, signal: AbortSignal): Promise<string> {
    const servers = mcpServersFor(this.host.agent, await this.host.secrets(signal));
    const { acp_startup_timeout: start, acp_prompt_timeout: limit } = this.host.agent;
    const id = await inTime(connection.fork(this.host.workingDir, servers), milliseconds(start));
    let text = '';
    this.beside.set(id, (update) => {
      const { text: piece } = asJsonObject(update['content']);
      if (update['sessionUpdate'] !== 'agent_message_chunk' || typeof piece !== 'string') return;
      text = `${text}${piece}`.slice(0, MAX_ANSWER);
    });
    const stop = (): void => void connection.cancel(id);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await inTime(connection.prompt([{ type: 'text', text: question }], id), milliseconds(limit));
      return text;
    } catch (error) {
      if (error instanceof AcpTimeoutError) stop();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      this.beside.delete(id);
    }
  }

  /** Ends what runs with the mark of this conversation. */
  endLeftovers(): Promise<void> {
    return endSessionProcesses(this.mark, []);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.connecting?.catch(() => undefined);
    await this.connection?.close();
    await this.dropFleeting();
  }

  private async dropFleeting(): Promise<void> {
    const folder = this.fleeting;
    this.fleeting = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  /** The names of fleeting secrets and a new folder for their files; undefined where there are none. */
  private async makeFleeting(): Promise<FleetingSecrets | undefined> {
    const names = this.host.fleetingSecrets();
    if (names.length === 0) return undefined;
    this.fleeting = await makeTemporaryFolder('credential');
    return { names, folder: this.fleeting };
  }

  private async start(context: ConnectContext): Promise<AcpConnection> {
    const { signal } = context;
    // What is left of the one before has the same mark.
    await this.connection?.close();
    await this.dropFleeting();
    const { agent, workingDir: cwd, conversationId } = this.host;
    const own = path.join(this.host.folder, 'acp');
    const secrets = await this.host.secrets(signal);
    const env = await agentEnvironment(
      agent,
      own,
      secrets,
      (text) => this.warn(text),
      await this.makeFleeting(),
    );
    const { mark } = this;
    const files = new ClientFiles(cwd);
    const terminals = new ClientTerminals(cwd, { ...env, [SESSION_VARIABLE]: mark }, (at) =>
      files.inside(at),
    );
    const connection = await AcpConnection.open(
      { command: [...agent.acp_command, ...agent.acp_args], env, cwd, mark },
      {
        cwd,
        mcpServers: mcpServersFor(agent, secrets),
        resume: knownSession(context.agentState, cwd) ?? agent.acp_resume_session_id ?? undefined,
        model: agent.acp_model,
        mode: agent.acp_session_mode,
      },
      {
        files,
        terminals,
        onUpdate: (sessionId, update, size) => this.heard(sessionId, update, size),
        onPermission: (request) => this.asked(request),
        room: () => this.listener.room(),
        debug: (text) =>
          this.logger.debug(`conversation ${conversationId}: ${this.host.mask(text.trimEnd())}`),
        warn: (text) => this.warn(text),
      },
      {
        startMs: milliseconds(agent.acp_startup_timeout),
        readMs: milliseconds(agent.acp_prompt_timeout),
        signal,
      },
    );
    this.connection = connection;
    if (this.closed || signal.aborted) await connection.close();
    signal.throwIfAborted();
    await context.append(agentStateUpdate(withSession(context.agentState, connection, cwd)));
    return connection;
  }

  private heard(sessionId: string, update: Record<string, unknown>, size: number): void {
    const other = this.beside.get(sessionId);
    if (other) other(update);
    else if (sessionId === this.connection?.id) this.listener.onUpdate(update, size);
  }

  /** A copy of the session is to answer a question and nothing else, and of other sessions nobody knows. */
  private asked(request: RequestPermissionRequest): Promise<RequestPermissionResponse> {
    if (request.sessionId === this.connection?.id) return this.listener.onPermission(request);
    return Promise.resolve(toOutcome(undefined, request.options));
  }

  private warn(text: string): void {
    this.logger.warn(`conversation ${this.host.conversationId}: ${this.host.mask(text)}`);
  }
}
