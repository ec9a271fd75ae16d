import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import type { AcpAgentSpec } from '../agent/index.js';
import type { EventDraft } from '../events/index.js';
import { makeTemporaryFolder } from '../files/index.js';
import { MAX_TIMER_MS } from '../flow/index.js';
import { asJsonObject, type JsonObject } from '../json/index.js';
import { endSessionProcesses, SESSION_VARIABLE } from '../processes/index.js';
import type { Confinement } from '../sandbox/index.js';
import { AcpConnection } from './connection/acp-connection.js';
import { AcpTimeoutError, withAcpTimeout } from './acp-error.js';
import { processMark } from './connection/process-mark.js';
import { agentStateUpdate, resumableSession, withSession } from './acp-agent-state.js';
import { ClientFiles } from './client/client-files.js';
import { ClientTerminals } from './client/client-terminals.js';
import { agentEnvironment, mcpServersFor, type FleetingSecrets } from './connection/agent-environment.js';
import { toOutcome } from './turn/permission.js';

/** What an ACP agent needs from its conversation. */
export interface AcpHost {
  readonly conversationId: string;
  /** Current configuration: the model can change. */
  readonly agent: AcpAgentSpec;
  /** Absolute path of the workspace. */
  readonly workingDir: string;
  /** Folder for the agent's files of this conversation (absolute path). */
  readonly folder: string;
  /** How its programs are confined. */
  readonly confinement: Confinement;
  /** The conversation's secrets by name, without those that are unavailable. */
  secrets(signal: AbortSignal): Promise<Record<string, string>>;
  /** Names of secrets whose values must not be stored with the conversation. */
  fleetingSecrets(): string[];
  /** Masks secrets. */
  mask(text: string): string;
}

/** Receives what happens in the conversation's session. */
interface SessionListener {
  /** @param size of the update (characters) */
  onUpdate(update: JsonObject, size: number): void;
  onPermission(request: RequestPermissionRequest): Promise<RequestPermissionResponse>;
  waitForRoom(): Promise<void>;
}

/** The conversation's state for a start of the agent, and the signal that aborts it. */
export interface ConnectContext {
  readonly agentState: JsonObject;
  readonly signal: AbortSignal;
  append(...drafts: EventDraft[]): Promise<unknown>;
}

/** Converts a configured time to a timer delay (ms). */
export function toTimeoutMs(seconds: number): number {
  return Math.min(Math.max(seconds * 1000, 0), MAX_TIMER_MS);
}

/** Longest answer to a question (characters). */
const MAX_ANSWER = 200_000;

/** Starts the agent of a conversation on demand, and again after it ended. */
export class AcpConnector {
  private readonly logger = new Logger('Acp');
  private connection: AcpConnection | undefined;
  private connecting: Promise<AcpConnection> | undefined;
  private closed = false;
  /** The folder with the files of fleeting secrets while the agent runs. */
  private fleetingFolder: string | undefined;
  /** Listeners of forked sessions, by session id. */
  private readonly forkListeners = new Map<string, (update: JsonObject) => void>();

  constructor(
    private readonly host: AcpHost,
    private readonly listener: SessionListener,
  ) {}

  /** Marks all processes of the agent. */
  private get processMark(): string {
    return processMark(this.host.conversationId);
  }

  /** The connection to the agent, if it is open. */
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

  /**
   * Asks a fork of the session a question.
   * @throws AcpError, AcpUnsupportedError, AcpTimeoutError
   */
  async ask(connection: AcpConnection, question: string, signal: AbortSignal): Promise<string> {
    const servers = mcpServersFor(this.host.agent, await this.host.secrets(signal));
    const { acp_startup_timeout: start, acp_prompt_timeout: limit } = this.host.agent;
    const id = await withAcpTimeout(connection.fork(this.host.workingDir, servers), toTimeoutMs(start));
    let text = '';
    this.forkListeners.set(id, (update) => {
      const { text: piece } = asJsonObject(update['content']);
      if (update['sessionUpdate'] !== 'agent_message_chunk' || typeof piece !== 'string') return;
      text = `${text}${piece}`.slice(0, MAX_ANSWER);
    });
    const stop = (): void => void connection.cancel(id);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await withAcpTimeout(connection.prompt([{ type: 'text', text: question }], id), toTimeoutMs(limit));
      return text;
    } catch (error) {
      if (error instanceof AcpTimeoutError) stop();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      this.forkListeners.delete(id);
    }
  }

  /** Kills all processes with the mark of this conversation. */
  killLeftovers(): Promise<void> {
    return endSessionProcesses(this.processMark, []);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.connecting?.catch(() => undefined);
    await this.connection?.close();
    await this.removeFleetingFolder();
  }

  private async removeFleetingFolder(): Promise<void> {
    const folder = this.fleetingFolder;
    this.fleetingFolder = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  /** The names of fleeting secrets and a new folder for their files; undefined if there are none. */
  private async createFleetingFolder(): Promise<FleetingSecrets | undefined> {
    const names = this.host.fleetingSecrets();
    if (names.length === 0) return undefined;
    this.fleetingFolder = await makeTemporaryFolder('credential');
    return { names, folder: this.fleetingFolder };
  }

  private async start(context: ConnectContext): Promise<AcpConnection> {
    const { signal } = context;
    // Processes of the previous agent have the same mark.
    await this.connection?.close();
    await this.removeFleetingFolder();
    const { agent, confinement, workingDir: cwd, conversationId } = this.host;
    const own = path.join(this.host.folder, 'acp');
    const secrets = await this.host.secrets(signal);
    const fleeting = await this.createFleetingFolder();
    const env = await agentEnvironment(agent, own, secrets, (text) => this.warn(text), fleeting);
    const shown = fleeting ? [{ path: fleeting.folder, writable: true }] : [];
    const { processMark } = this;
    const files = new ClientFiles(cwd, confinement.files);
    const terminals = new ClientTerminals(
      cwd,
      { ...env, [SESSION_VARIABLE]: processMark },
      (at) => files.resolveInside(at),
      confinement,
    );
    const connection = await AcpConnection.open(
      {
        command: [...agent.acp_command, ...agent.acp_args],
        env,
        cwd,
        mark: processMark,
        confinement,
        own: shown,
      },
      {
        cwd,
        mcpServers: mcpServersFor(agent, secrets),
        resume: resumableSession(context.agentState, cwd) ?? agent.acp_resume_session_id ?? undefined,
        model: agent.acp_model,
        mode: agent.acp_session_mode,
      },
      {
        files,
        terminals,
        onUpdate: (sessionId, update, size) => this.onUpdate(sessionId, update, size),
        onPermission: (request) => this.onPermission(request),
        waitForRoom: () => this.listener.waitForRoom(),
        debug: (text) =>
          this.logger.debug(`conversation ${conversationId}: ${this.host.mask(text.trimEnd())}`),
        warn: (text) => this.warn(text),
      },
      {
        startMs: toTimeoutMs(agent.acp_startup_timeout),
        readMs: toTimeoutMs(agent.acp_prompt_timeout),
        signal,
      },
    );
    this.connection = connection;
    if (this.closed || signal.aborted) await connection.close();
    signal.throwIfAborted();
    await context.append(agentStateUpdate(withSession(context.agentState, connection, cwd)));
    return connection;
  }

  private onUpdate(sessionId: string, update: JsonObject, size: number): void {
    const other = this.forkListeners.get(sessionId);
    if (other) other(update);
    else if (sessionId === this.connection?.id) this.listener.onUpdate(update, size);
  }

  /**
   * Only the conversation's own session can ask for permission: forks only answer a question, other sessions
   * are unknown.
   */
  private onPermission(request: RequestPermissionRequest): Promise<RequestPermissionResponse> {
    if (request.sessionId === this.connection?.id) return this.listener.onPermission(request);
    return Promise.resolve(toOutcome(undefined, request.options));
  }

  private warn(text: string): void {
    this.logger.warn(`conversation ${this.host.conversationId}: ${this.host.mask(text)}`);
  }
}
