import type {
  ClientConnection,
  ContentBlock,
  InitializeResponse,
  McpServer,
  PromptResponse,
} from '@agentclientprotocol/sdk';
import { errorMessage } from '../errors/index.js';
import { asJsonObject, isJsonObject } from '../json/index.js';
import { AcpError, AcpUnsupportedError, toAcpError, type AcpErrorCode } from './acp-error.js';
import { AgentProcess, type AgentProgram } from './agent-process.js';
import { authenticate } from './authenticate.js';
import { serveClient } from './client-methods.js';
import type { ConnectionHost, ConnectionLimits, SessionRequest } from './connection-host.js';
import { limited } from './limited-log.js';
import { messageStream } from './message-stream.js';
import { OpenRequests } from './open-requests.js';
import { modelsIn, optionOf, type SessionModels } from './session-models.js';

/** An agent from elsewhere that runs, with one session. */
export class AcpConnection {
  private sessionId = '';
  private models: SessionModels | undefined;
  private capabilities: Record<string, unknown> = {};
  private info: Record<string, unknown> = {};
  /** The history that a loaded session tells again is known. */
  private replaying = false;
  private closing: Promise<void> | undefined;
  /** Why nothing more of it can be read. */
  private fault: string | undefined;

  private constructor(
    private readonly process: AgentProcess,
    private readonly connection: ClientConnection,
    private readonly host: ConnectionHost,
    private readonly requests: OpenRequests,
  ) {}

  /**
   * Starts an agent and its session.
   * @throws AcpError; the reason of the signal once it is aborted
   */
  static async open(
    program: AgentProgram,
    request: SessionRequest,
    host: ConnectionHost,
    { startMs, readMs, signal }: ConnectionLimits,
  ): Promise<AcpConnection> {
    const debug = limited((text) => host.debug(text));
    const process = await AgentProcess.start(program, debug);
    const connection = await AcpConnection.connect(process, host, debug, readMs);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(startMs)]);
    const aborted = new Promise<never>((_, reject) => {
      limit.addEventListener('abort', () => reject(timeout(startMs)), { once: true });
    });
    try {
      signal.throwIfAborted();
      await Promise.race([connection.begin(program, request), aborted]);
      return connection;
    } catch (error) {
      const reason = await connection.startFailure(error);
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
    process.onEnd(() => requests.close());
    const stream = messageStream(process.output, process.input, {
      onUpdate: (sessionId, update, size) => {
        if (!connection.replaying) host.onUpdate(sessionId, update, size);
      },
      onNoise: debug,
      onFault: (error) => (connection.fault = errorMessage(error)),
      async room() {
        await requests.room();
        await host.room();
      },
      onRequest: () => requests.received(),
      onAnswered: () => requests.answered(),
      readMs,
    });
    serveClient(app, host, RequestError, requests);
    const connection = new AcpConnection(process, app.connect(stream), host, requests);
    const { signal } = connection.connection;
    signal.addEventListener('abort', () => void connection.clearUp(), { once: true });
    return connection;
  }

  get id(): string {
    return this.sessionId;
  }

  get isOpen(): boolean {
    return !this.connection.signal.aborted && this.closing === undefined;
  }

  /** The agent waits for something that we do for it. */
  get isServing(): boolean {
    return this.requests.isServing;
  }

  get takesImages(): boolean {
    return asJsonObject(this.capabilities['promptCapabilities'])['image'] === true;
  }

  get agentName(): string | null {
    return typeof this.info['name'] === 'string' ? this.info['name'] : null;
  }

  get agentVersion(): string | null {
    return typeof this.info['version'] === 'string' ? this.info['version'] : null;
  }

  get sessionModels(): SessionModels | undefined {
    return this.models;
  }

  /** Resolves when the agent has answered. @throws AcpError */
  async prompt(blocks: ContentBlock[], sessionId = this.sessionId): Promise<PromptResponse> {
    try {
      const answer = await this.connection.agent.request('session/prompt', { sessionId, prompt: blocks });
      if (isJsonObject(answer)) return answer;
      throw new AcpError('ACPPromptError', 'The agent answered without saying how its turn ended');
    } catch (error) {
      if (this.connection.signal.aborted) {
        const end = await this.describeEnd();
        throw new AcpError('ACPPromptError', `The agent ended in the middle of its work (${end})`);
      }
      throw toAcpError(error, 'ACPPromptError');
    }
  }

  /** Asks the agent to stop what it does. Never fails. */
  async cancel(sessionId = this.sessionId): Promise<void> {
    await this.connection.agent.notify('session/cancel', { sessionId }).catch(() => undefined);
  }

  /** Gives the session another model. @throws the refusal of the agent, AcpUnsupportedError */
  async setModel(model: string): Promise<void> {
    const { models, sessionId } = this;
    const { agent } = this.connection;
    if (models?.optionId !== undefined) {
      const change = { sessionId, configId: models.optionId, value: model };
      const answer = await agent.request('session/set_config_option', change);
      this.models = modelsIn(answer) ?? { ...models, current: model };
      return;
    }
    await agent.request('session/set_model', { sessionId, modelId: model });
    this.models = { available: [], ...models, current: model };
  }

  /**
   * Makes a copy of the session that knows what it knows.
   * @returns its id
   * @throws AcpUnsupportedError, AcpError
   */
  async fork(cwd: string, mcpServers: McpServer[]): Promise<string> {
    if (asJsonObject(this.capabilities['sessionCapabilities'])['fork'] === undefined) {
      throw new AcpUnsupportedError(
        'This agent cannot be asked beside its work: it cannot fork its session.',
      );
    }
    const { sessionId } = this;
    const request = { sessionId, cwd, mcpServers: this.servers(mcpServers) };
    const answer: unknown = await this.connection.agent
      .request('session/fork', request)
      .catch((error: unknown) => {
        throw toAcpError(error, 'ACPPromptError');
      });
    return sessionIn(answer, 'ACPPromptError');
  }

  /** Ends the agent and all that it has started. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    await Promise.all([this.process.close(), this.host.terminals.close()]);
    this.connection.close();
  }

  /** It has ended, or cannot be understood any more: what it has started ends with it. Never fails. */
  private async clearUp(): Promise<void> {
    if (this.closing) return;
    try {
      // How it ended is told with the error; what comes below may end it in another way.
      await this.describeEnd();
      await this.close();
    } catch (error) {
      this.host.warn(`the agent has ended, but not all that it has started: ${errorMessage(error)}`);
    }
  }

  private async begin(program: AgentProgram, request: SessionRequest): Promise<void> {
    const { PROTOCOL_VERSION } = await import('@agentclientprotocol/sdk');
    const { agent } = this.connection;
    const answer: InitializeResponse = await agent.request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      clientInfo: { name: 'openhands-agent-server', version: '1' },
      clientCapabilities: { fs: { readTextFile: true, writeTextFile: true }, terminal: true },
    });
    this.capabilities = asJsonObject(answer.agentCapabilities);
    this.info = asJsonObject(answer.agentInfo);
    await authenticate(agent, answer.authMethods ?? [], program.env);
    const session = await this.openSession(request);
    this.models = modelsIn(session);
    await this.choose(request, session);
  }

  /** The earlier session where the agent has it, else a new one. */
  private async openSession({ cwd, mcpServers: wanted, resume }: SessionRequest): Promise<unknown> {
    const { agent } = this.connection;
    const mcpServers = this.servers(wanted);
    const method = this.resumeMethod();
    if (resume !== undefined && method !== undefined) {
      this.replaying = true;
      try {
        const answer: unknown = await agent.request(method, { sessionId: resume, cwd, mcpServers });
        this.sessionId = resume;
        return answer;
      } catch (error) {
        if (!this.isOpen) throw error;
        this.host.warn(`session ${resume} cannot go on, a new one begins: ${errorMessage(error)}`);
      } finally {
        this.replaying = false;
      }
    }
    const answer: unknown = await agent.request('session/new', { cwd, mcpServers });
    this.sessionId = sessionIn(answer, 'ACPInitError');
    return answer;
  }

  /** The MCP servers that the agent can reach: it says which kinds it knows besides programs. */
  private servers(wanted: readonly McpServer[]): McpServer[] {
    const known = asJsonObject(this.capabilities['mcpCapabilities']);
    return wanted.filter((server) => {
      if (!('type' in server) || known[server.type] === true) return true;
      this.host.warn(
        `the agent takes no MCP servers over ${server.type}, so it goes without '${server.name}'`,
      );
      return false;
    });
  }

  private resumeMethod(): string | undefined {
    if (asJsonObject(this.capabilities['sessionCapabilities'])['resume'] !== undefined)
      return 'session/resume';
    return this.capabilities['loadSession'] === true ? 'session/load' : undefined;
  }

  /**
   * Model and mode as asked for. What the agent does not have is told in the log only: it can work without.
   */
  private async choose({ model, mode }: SessionRequest, session: unknown): Promise<void> {
    if (model !== null && model !== this.models?.current) {
      await this.setModel(model).catch((error: unknown) => this.notChosen('model', model, error));
    }
    if (mode !== null) {
      await this.setMode(mode, session).catch((error: unknown) => this.notChosen('mode', mode, error));
    }
  }

  private notChosen(what: string, value: string, error: unknown): void {
    if (!this.isOpen) throw error;
    this.host.warn(`the agent does not take the ${what} '${value}': ${errorMessage(error)}`);
  }

  private async setMode(modeId: string, session: unknown): Promise<void> {
    const { sessionId } = this;
    const option = optionOf(asJsonObject(session)['configOptions'], 'mode');
    if (option) {
      const change = { sessionId, configId: String(option['id']), value: modeId };
      await this.connection.agent.request('session/set_config_option', change);
      return;
    }
    await this.connection.agent.request('session/set_mode', { sessionId, modeId });
  }

  private describeEnd(): string | Promise<string> {
    return this.fault ?? this.process.describeEnd();
  }

  private async startFailure(error: unknown): Promise<AcpError> {
    if (this.connection.signal.aborted && !(error instanceof AcpError)) {
      return new AcpError('ACPInitError', `Connection closed (${await this.describeEnd()})`);
    }
    return toAcpError(error, 'ACPInitError');
  }
}

/** The session of an answer. @throws AcpError */
function sessionIn(answer: unknown, code: AcpErrorCode): string {
  const { sessionId } = asJsonObject(answer);
  if (typeof sessionId === 'string' && sessionId !== '') return sessionId;
  throw new AcpError(code, 'The agent answered without a session');
}

function timeout(limitMs: number): AcpError {
  const seconds = Math.round(limitMs / 1000);
  return new AcpError(
    'ACPStartupTimeout',
    `ACP startup timed out after ${seconds}s waiting for the ACP server to spawn, authenticate, and create/load a session`,
  );
}
