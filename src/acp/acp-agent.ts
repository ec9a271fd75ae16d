import { Logger } from '@nestjs/common';
import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import {
  beginRun,
  RunOverError,
  type AgentDriver,
  type AgentSession,
  runErrorDraft,
  finishIfMessageBlocked,
  runStopHooks,
} from '../agent/index.js';
import { errorMessage, errorName } from '../errors/index.js';
import type { EventDraft } from '../events/index.js';
import { AcpConnector, toTimeoutMs, type AcpHost, type ConnectContext } from './acp-connector.js';
import { AcpError, AcpUnsupportedError, withAcpTimeout } from './acp-error.js';
import {
  agentStateUpdate,
  hasSuffix,
  unansweredMessages,
  withAnswer,
  withPrompt,
} from './acp-agent-state.js';
import { agentMessage, finishDrafts, partialAnswer, usageOf } from './turn/answer-events.js';
import type { AcpConnection } from './connection/acp-connection.js';
import { toOutcome } from './turn/permission.js';
import { promptBlocks } from './turn/prompt-blocks.js';
import { Turn } from './turn/turn.js';
import { TurnReader } from './turn/turn-reader.js';

/** Time for an agent to stop after a cancellation (ms); then its process is killed. */
const CANCEL_TIMEOUT_MS = 2_500;

/**
 * The ACP agent of one conversation. The first run starts it, and it is kept for later runs. A run sends it
 * the user's messages and appends what it does until it has answered.
 */
export class AcpAgent implements AgentDriver {
  private readonly logger = new Logger('Acp');
  private readonly connector: AcpConnector;
  private readonly reader: TurnReader;
  private turn: Turn | undefined;
  /** An interrupted turn whose partial answer was not appended yet. */
  private interruptedTurn: Turn | undefined;
  private promptAnswer: Promise<void> = Promise.resolve();
  private stopPromise: Promise<void> | undefined;

  constructor(private readonly host: AcpHost) {
    this.connector = new AcpConnector(host, {
      onUpdate: (update, size) => this.turn?.push({ type: 'update', update }, size),
      onPermission: (request) => this.requestPermission(request),
      waitForRoom: () => this.turn?.waitForRoom() ?? Promise.resolve(),
    });
    this.reader = new TurnReader(host, this.connector);
  }

  /** Whether the agent waits for a person's decision. */
  get isAwaitingDecision(): boolean {
    return this.turn?.pending !== undefined;
  }

  /** Stores a person's decision; the next run sends it to the agent. */
  decide(accept: boolean, reason: string): void {
    this.reader.decide(accept, reason);
  }

  async run(session: AgentSession): Promise<void> {
    const stop = (): void => {
      this.stopPromise = this.stopTurn();
    };
    session.signal.addEventListener('abort', stop, { once: true });
    try {
      await this.runTurns(session);
    } catch (error) {
      // Whoever interrupted the run has already appended its outcome.
      if (!(error instanceof RunOverError) && !session.signal.aborted) await this.fail(session, error);
    } finally {
      session.signal.removeEventListener('abort', stop);
      await this.stopPromise;
    }
  }

  /** Returns the partial answer of an interrupted turn, to be appended. */
  takeInterruptedDrafts(): EventDraft[] {
    const { interruptedTurn } = this;
    this.interruptedTurn = undefined;
    return interruptedTurn ? partialAnswer(interruptedTurn) : [];
  }

  /**
   * Asks a fork of the session, so that the question does not become part of the agent's session.
   * @throws AcpError, AcpUnsupportedError, AcpTimeoutError
   */
  async ask(question: string, context: ConnectContext): Promise<string> {
    return this.maskErrors(async () => {
      const connection = await this.connector.connect(context);
      return this.connector.ask(connection, question, context.signal);
    });
  }

  /**
   * Switches the model of a running agent. An agent that does not run gets it when it is started.
   * @throws AcpUnsupportedError with the agent's message, AcpTimeoutError
   */
  async switchModel(model: string): Promise<AcpConnection | undefined> {
    const { current } = this.connector;
    if (!current) return undefined;
    const answer = current.setModel(model).catch((error: unknown) => {
      const text = `ACP server rejected set_session_model(model='${model}'): ${errorMessage(error)}`;
      throw new AcpUnsupportedError(text);
    });
    const limit = toTimeoutMs(this.host.agent.acp_startup_timeout);
    await this.maskErrors(() => withAcpTimeout(answer, limit));
    return current;
  }

  /** Whether the agent's process is running. */
  get isRunning(): boolean {
    return this.connector.current !== undefined;
  }

  /** Kills processes left by an agent whose server crashed. */
  killLeftovers(): Promise<void> {
    return this.connector.killLeftovers();
  }

  async close(): Promise<void> {
    this.turn?.discard();
    this.turn = undefined;
    await this.connector.close();
  }

  /** Masks secrets in errors: their messages come from the agent, which knows the secrets. */
  private async maskErrors<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const text = this.host.mask(errorMessage(error));
      if (error instanceof AcpError) throw new AcpError(error.code, text);
      if (error instanceof AcpUnsupportedError) throw new AcpUnsupportedError(text);
      throw error;
    }
  }

  private async runTurns(session: AgentSession): Promise<void> {
    if (!(await beginRun(session)) || session.status === 'finished') return;
    // A continued turn began in another run, whose messages are already known.
    session.beginStep();
    await session.setStatus('running');
    for (let turns = 1; ; turns++) {
      const turn = this.turn ?? (await this.beginTurn(session));
      if (!turn || !(await this.finishTurn(session, turn))) return;
      if (this.unansweredMessages(session).length === 0) {
        await session.finish();
        if (isFinished(session) && !(await runStopHooks(session))) return;
        // A message arrived right after the end and reset the status.
        if (session.status === 'idle') await session.setStatus('running');
      }
      if (session.pauseRequested) return session.pause();
      if (turns >= session.maxIterations) {
        const detail = `Agent reached maximum iterations limit (${session.maxIterations}).`;
        return session.setStatus('error', runErrorDraft('MaxIterationsReached', detail));
      }
    }
  }

  private unansweredMessages(session: AgentSession) {
    return unansweredMessages(session.view, session.agentState, session.blockedMessages);
  }

  /** Sends the unanswered messages to the agent. Undefined if there are none or they must not be sent. */
  private async beginTurn(session: AgentSession): Promise<Turn | undefined> {
    session.beginStep();
    if (await finishIfMessageBlocked(session)) return undefined;
    const messages = this.unansweredMessages(session);
    const last = messages.at(-1);
    if (!last) {
      await session.finish();
      return undefined;
    }
    await session.settleBudget();
    if (session.budgetExceeded !== undefined) {
      await session.setStatus('error', runErrorDraft('MaxBudgetReached', session.budgetExceeded));
      return undefined;
    }
    const warnings = session.budgetWarnings();
    if (warnings.length > 0) await session.append(...warnings);
    const connection = await this.connector.connect(session);
    const suffix = hasSuffix(session.agentState) ? undefined : contextOf(session);
    await session.append(agentStateUpdate(withPrompt(session.agentState, last.id, suffix !== undefined)));
    const turn = new Turn(last.id, (itemId) => session.stream(itemId));
    const blocks = promptBlocks(messages, connection.supportsImages);
    if (suffix !== undefined) blocks.push({ type: 'text', text: suffix });
    this.turn = turn;
    this.promptAnswer = turn.pushAnswer(connection.prompt(blocks));
    return turn;
  }

  /** Follows a turn to its end. Returns false if it waits for a person's decision. */
  private async finishTurn(session: AgentSession, turn: Turn): Promise<boolean> {
    session.report('model');
    const response = await this.reader.follow(session, turn);
    if (!response) return false;
    turn.stream.end();
    const cancelled = turn.cancelled || response.stopReason === 'cancelled';
    const { llm } = session.agent;
    const { acp_session_cost: cost } = session.agentState;
    const before = typeof cost === 'number' ? cost : 0;
    const usage = usageOf(turn, response, before, this.connector.current?.id ?? '');
    const state = {
      ...withAnswer(session.agentState, turn.messageId),
      ...(turn.sessionCost !== undefined && { acp_session_cost: turn.sessionCost }),
    };
    await session.append(
      ...turn.calls.close(cancelled ? 'failed' : 'completed'),
      ...(usage ? [session.countUsage(llm.usage_id, llm.model, usage)] : []),
      ...(cancelled ? partialAnswer(turn) : finishDrafts(turn, (text) => this.host.mask(text))),
      agentStateUpdate(state),
    );
    this.turn = undefined;
    return true;
  }

  private async fail(session: AgentSession, error: unknown): Promise<void> {
    const { turn } = this;
    this.turn = undefined;
    turn?.discard();
    const code = error instanceof AcpError ? error.code : errorName(error);
    const detail = errorMessage(error);
    turn?.stream.abort(code);
    const turnDrafts = turn ? [...turn.calls.close('failed'), ...partialAnswer(turn)] : [];
    const text = detail.startsWith('ACP ') ? detail : `ACP error: ${detail}`;
    await session.append(...turnDrafts, ...(turn ? [agentMessage(text)] : []), {
      ...runErrorDraft(code, detail),
      source: 'agent',
    });
    await session.setStatus('error');
  }

  /** Cancels the current turn. If the agent does not stop in time its process is killed. */
  private async stopTurn(): Promise<void> {
    const { turn } = this;
    const { current } = this.connector;
    if (!turn) return;
    this.turn = undefined;
    this.interruptedTurn = turn;
    turn.stream.abort('cancelled');
    // Cancel first: pending answers must not look like permission to continue.
    const cancelled = current?.cancel();
    const limit = new Promise<'late'>((resolve) => setTimeout(resolve, CANCEL_TIMEOUT_MS, 'late').unref());
    // The agent may not read its input.
    await Promise.race([cancelled, limit]);
    turn.discard();
    if ((await Promise.race([this.promptAnswer, limit])) !== 'late') return;
    this.logger.warn(
      `conversation ${this.host.conversationId}: the ACP agent did not stop in time and is killed`,
    );
    await current?.close();
  }

  private requestPermission(request: RequestPermissionRequest): Promise<RequestPermissionResponse> {
    const { turn } = this;
    if (!turn) return Promise.resolve(toOutcome(undefined, request.options));
    return new Promise((resolve) => {
      const answer = (decision: Parameters<typeof toOutcome>[0]): void =>
        resolve(toOutcome(decision, request.options));
      turn.push({ type: 'permission', request, answer }, JSON.stringify(request).length);
    });
  }
}

function isFinished({ status }: AgentSession): boolean {
  return status === 'finished';
}

/** The context of the conversation: suffix, secrets, date. */
function contextOf({ view }: AgentSession): string | undefined {
  const prompt = view.events.find((event) => event.kind === 'SystemPromptEvent');
  return prompt?.kind === 'SystemPromptEvent' ? prompt.dynamic_context?.text : undefined;
}
