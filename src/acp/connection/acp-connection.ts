import type {
  ClientConnection,
  ContentBlock,
  InitializeResponse,
  McpServer,
  PromptResponse,
} from '@agentclientprotocol/sdk';
import { errorMessage } from '../../errors/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import { AcpError, AcpUnsupportedError, toAcpError, type AcpErrorCode } from '../acp-error.js';
import { AgentProcess, type AgentProgram } from './agent-process.js';
import { authenticate } from './authenticate.js';
import { handleClientRequests } from '../client/client-methods.js';
import type { ConnectionHost, ConnectionTimeouts, SessionRequest } from './connection-options.js';
import { messageStream } from './message-stream.js';
import { OpenRequests } from './open-requests.js';
import { readModels, findOption, type SessionModels } from './session-models.js';

/** Most characters that are logged of an agent's output outside of the protocol. */
const MAX_DEBUG = 100_000;

/** A running ACP agent with one session. */
export class AcpConnection {
  private sessionId = '';
  private models: SessionModels | undefined;
  private capabilities: JsonObject = {};
  private agentInfo: JsonObject = {};
  /** While a session is loaded its history is replayed, which is ignored. */
  private replaying = false;
  private closing: Promise<void> | undefined;
  /** The error that ended the message stream. */
  private streamError: string | undefined;

  private constructor(
    private readonly process: AgentProcess,
    private readonly connection: ClientConnection,
    private readonly host: ConnectionHost,
    private readonly requests: OpenRequests,
  ) {}

  /**
   * Starts an agent and opens a session.
   * @throws AcpError; the reason of the signal once it is aborted
   */
  static async open(
    program: AgentProgram,
    request: SessionRequest,
    host: ConnectionHost,
    { startMs, readMs, signal }: ConnectionTimeouts,
  ): Promise<AcpConnection> {
    const debug = limitedLog((text) => host.debug(text));
    const process = await AgentProcess.start(program, debug);
    const connection = await AcpConnection.connect(process, host, debug, readMs);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(startMs)]);
    const aborted = new Promise<never>((_, reject) => {
      limit.addEventListener('abort', () => reject(startupTimeout(startMs)), { once: true });
    });
    try {
      signal.throwIfAborted();
      await Promise.race([connection.initialize(program, request), aborted]);
      return connection;
    } catch (error) {
      const reason = await connection.toStartError(error);
      await connection.close();
      signal.throwIfAborted();
      throw reason;
    }
  }

  private static async connect(
    process: AgentProcess,
    host: ConnectionHost,
    debug: (text: string) => void,
    readMs: number,
  ): Promise<AcpConnection> {
    const { client, RequestError } = await import('@agentclientprotocol/sdk');
    const app = client({ name: 'openhands-agent-server' });
    const requests = new OpenRequests();
    process.onExit(() => requests.close());
    // Its callbacks use `connection`, which exists before the stream delivers anything.
    const stream = messageStream(process.output, process.input, {
      onUpdate: (sessionId, update, size) => {
        if (!connection.replaying) host.onUpdate(sessionId, update, size);
      },
      onNoise: debug,
      onError: (error) => (connection.streamError = errorMessage(error)),
      async waitForRoom() {
        await requests.waitForRoom();
        await host.waitForRoom();
      },
      onRequest: () => requests.received(),
      onAnswered: () => requests.answered(),
      readMs,
    });
    handleClientRequests(app, host, RequestError, requests);
    const connection = new AcpConnection(process, app.connect(stream), host, requests);
    const { signal } = connection.connection;
    signal.addEventListener('abort', () => void connection.onClosed(), { once: true });
    return connection;
  }

  get id(): string {
    return this.sessionId;
  }

  get isOpen(): boolean {
    return !this.connection.signal.aborted && this.closing === undefined;
  }

  /** Whether the agent waits for the answer to a request of its own. */
  get isHandlingRequest(): boolean {
    return this.requests.isHandling;
  }

  get supportsImages(): boolean {
    return asJsonObject(this.capabilities['promptCapabilities'])['image'] === true;
  }

  get agentName(): string | null {
    return typeof this.agentInfo['name'] === 'string' ? this.agentInfo['name'] : null;
  }

  get agentVersion(): string | null {
    return typeof this.agentInfo['version'] === 'string' ? this.agentInfo['version'] : null;
  }

  get sessionModels(): SessionModels | undefined {
    return this.models;
  }

  /** Sends a prompt and resolves with the agent's answer. @throws AcpError */
  async prompt(blocks: ContentBlock[], sessionId = this.sessionId): Promise<PromptResponse> {
    try {
      const answer = await this.connection.agent.request('session/prompt', { sessionId, prompt: blocks });
      if (isJsonObject(answer)) return answer;
      throw new AcpError('ACPPromptError', 'The agent answered without saying how its turn ended');
    } catch (error) {
      if (this.connection.signal.aborted) {
        const exit = await this.describeExit();
        throw new AcpError('ACPPromptError', `The agent ended in the middle of its work (${exit})`);
      }
      throw toAcpError(error, 'ACPPromptError');
    }
  }

  /** Asks the agent to cancel its turn. Never fails. */
  async cancel(sessionId = this.sessionId): Promise<void> {
    await this.connection.agent.notify('session/cancel', { sessionId }).catch(() => undefined);
  }

  /** Switches the model of the session. @throws the agent's error */
  async setModel(model: string): Promise<void> {
    const { models, sessionId } = this;
    const { agent } = this.connection;
    if (models?.optionId !== undefined) {
      const change = { sessionId, configId: models.optionId, value: model };
      const answer = await agent.request('session/set_config_option', change);
      this.models = readModels(answer) ?? { ...models, current: model };
      return;
    }
    await agent.request('session/set_model', { sessionId, modelId: model });
    this.models = { available: [], ...models, current: model };
  }

  /**
   * Forks the session.
   * @returns the id of the new session
   * @throws AcpUnsupportedError, AcpError
   */
  async fork(cwd: string, mcpServers: McpServer[]): Promise<string> {
    if (asJsonObject(this.capabilities['sessionCapabilities'])['fork'] === undefined) {
      throw new AcpUnsupportedError(
        'This agent cannot be asked during its work: it cannot fork its session.',
      );
    }
    const { sessionId } = this;
    const request = { sessionId, cwd, mcpServers: this.supportedServers(mcpServers) };
    const answer: unknown = await this.connection.agent
      .request('session/fork', request)
      .catch((error: unknown) => {
        throw toAcpError(error, 'ACPPromptError');
      });
    return sessionIdOf(answer, 'ACPPromptError');
  }

  /** Ends the agent and all its child processes. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    await Promise.all([this.process.close(), this.host.terminals.close()]);
    this.connection.close();
  }

  /** Cleans up after the agent ended or sent invalid data. Never fails. */
  private async onClosed(): Promise<void> {
    if (this.closing) return;
    try {
      // Record how the agent ended before killing it.
      await this.describeExit();
      await this.close();
    } catch (error) {
      this.host.warn(`the agent ended, but its child processes could not be killed: ${errorMessage(error)}`);
    }
  }

  private async initialize(program: AgentProgram, request: SessionRequest): Promise<void> {
    const { PROTOCOL_VERSION } = await import('@agentclientprotocol/sdk');
    const { agent } = this.connection;
    const answer: InitializeResponse = await agent.request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      clientInfo: { name: 'openhands-agent-server', version: '1' },
      clientCapabilities: { fs: { readTextFile: true, writeTextFile: true }, terminal: true },
    });
    this.capabilities = asJsonObject(answer.agentCapabilities);
    this.agentInfo = asJsonObject(answer.agentInfo);
    await authenticate(agent, answer.authMethods ?? [], program.env);
    const session = await this.openSession(request);
    this.models = readModels(session);
    await this.applyModelAndMode(request, session);
  }

  /** Resumes the earlier session if the agent has it, else opens a new one. */
  private async openSession({ cwd, mcpServers: wanted, resume }: SessionRequest): Promise<unknown> {
    const { agent } = this.connection;
    const mcpServers = this.supportedServers(wanted);
    const method = this.resumeMethod();
    if (resume !== undefined && method !== undefined) {
      this.replaying = true;
      try {
        const answer: unknown = await agent.request(method, { sessionId: resume, cwd, mcpServers });
        this.sessionId = resume;
        return answer;
      } catch (error) {
        if (!this.isOpen) throw error;
        this.host.warn(`session ${resume} cannot be resumed, a new one is opened: ${errorMessage(error)}`);
      } finally {
        this.replaying = false;
      }
    }
    const answer: unknown = await agent.request('session/new', { cwd, mcpServers });
    this.sessionId = sessionIdOf(answer, 'ACPInitError');
    return answer;
  }

  /** The MCP servers whose transport the agent supports. */
  private supportedServers(wanted: readonly McpServer[]): McpServer[] {
    const known = asJsonObject(this.capabilities['mcpCapabilities']);
    return wanted.filter((server) => {
      if (!('type' in server) || known[server.type] === true) return true;
      this.host.warn(
        `the agent does not support MCP servers over ${server.type}: '${server.name}' is left out`,
      );
      return false;
    });
  }

  private resumeMethod(): string | undefined {
    if (asJsonObject(this.capabilities['sessionCapabilities'])['resume'] !== undefined)
      return 'session/resume';
    return this.capabilities['loadSession'] === true ? 'session/load' : undefined;
  }

  /** Applies model and mode. If the agent rejects one, a warning is logged and it continues without. */
  private async applyModelAndMode({ model, mode }: SessionRequest, session: unknown): Promise<void> {
    if (model !== null && model !== this.models?.current) {
      await this.setModel(model).catch((error: unknown) => this.warnNotApplied('model', model, error));
    }
    if (mode !== null) {
      await this.setMode(mode, session).catch((error: unknown) => this.warnNotApplied('mode', mode, error));
    }
  }

  private warnNotApplied(what: string, value: string, error: unknown): void {
    if (!this.isOpen) throw error;
    this.host.warn(`the agent rejected the ${what} '${value}': ${errorMessage(error)}`);
  }

  private async setMode(modeId: string, session: unknown): Promise<void> {
    const { sessionId } = this;
    const option = findOption(asJsonObject(session)['configOptions'], 'mode');
    if (option) {
      const change = { sessionId, configId: String(option['id']), value: modeId };
      await this.connection.agent.request('session/set_config_option', change);
      return;
    }
    await this.connection.agent.request('session/set_mode', { sessionId, modeId });
  }

  private describeExit(): string | Promise<string> {
    return this.streamError ?? this.process.describeExit();
  }

  private async toStartError(error: unknown): Promise<AcpError> {
    if (this.connection.signal.aborted && !(error instanceof AcpError)) {
      return new AcpError('ACPInitError', `Connection closed (${await this.describeExit()})`);
    }
    return toAcpError(error, 'ACPInitError');
  }
}

/** The session id of an answer. @throws AcpError */
function sessionIdOf(answer: unknown, code: AcpErrorCode): string {
  const { sessionId } = asJsonObject(answer);
  if (typeof sessionId === 'string' && sessionId !== '') return sessionId;
  throw new AcpError(code, 'The agent answered without a session');
}

function startupTimeout(limitMs: number): AcpError {
  const seconds = Math.round(limitMs / 1000);
  return new AcpError(
    'ACPStartupTimeout',
    `ACP startup timed out after ${seconds}s waiting for the ACP server to spawn, authenticate, and create/load a session`,
  );
}

/** Limits the text passed to a log function. */
function limitedLog(log: (text: string) => void): (text: string) => void {
  let left = MAX_DEBUG;
  return (text) => {
    if (left <= 0) return;
    left -= text.length;
    log(
      left > 0 ? text : `${text.slice(0, left + text.length)} … (further output of the agent is not logged)`,
    );
  };
}
