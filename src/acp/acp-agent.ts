import { Logger } from '@nestjs/common';
import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import { beginRun } from '../agent/loop/agent-loop.js';
import { RunOverError, type AgentDriver, type AgentSession } from '../agent/agent-session.js';
import { runErrorDraft } from '../agent/event-drafts.js';
import { finishIfMessageBlocked, runStopHooks } from '../agent/hooks/run-hooks.js';
import { errorMessage, errorName } from '../errors/index.js';
import type { EventDraft } from '../events/index.js';
import { AcpConnector, milliseconds, type AcpHost, type ConnectContext } from './acp-connector.js';
import { AcpError, AcpUnsupportedError, withAcpTimeout } from './acp-error.js';
import { agentStateUpdate, hasSuffix, unanswered, withAnswer, withPrompt } from './acp-agent-state.js';
import { agentMessage, answerDrafts, partialAnswer, usageOf } from './turn/answer-events.js';
import type { AcpConnection } from './connection/acp-connection.js';
import { toOutcome } from './turn/permission.js';
import { promptBlocks } from './turn/prompt-blocks.js';
import { Turn } from './turn/turn.js';
import { TurnReader } from './turn/turn-reader.js';

/** How long an agent may take to stop when it is told to (ms); then it is ended. */
const CANCEL_LIMIT_MS = 2_500;

/**
 * An agent from elsewhere in one conversation: started by the first run, then kept. A run tells it what the
 * user said and puts into the log what it does, until it has answered.
 */
export class AcpAgent implements AgentDriver {
  private readonly logger = new Logger('Acp');
  private readonly connector: AcpConnector;
  private readonly reader: TurnReader;
  private turn: Turn | undefined;
  /** A turn that was interrupted, until the log has what it left. */
  private cut: Turn | undefined;
  private prompting: Promise<void> = Promise.resolve();
  private stopping: Promise<void> | undefined;

  constructor(private readonly host: AcpHost) {
    this.connector = new AcpConnector(host, {
      onUpdate: (update, size) => this.turn?.push({ type: 'update', update }, size),
      onPermission: (request) => this.requested(request),
      room: () => this.turn?.room() ?? Promise.resolve(),
    });
    this.reader = new TurnReader(host, this.connector);
  }

  /** It asks for a permission, and nobody has decided yet. */
  get isAsking(): boolean {
    return this.turn?.pending !== undefined;
  }

  /** A person has decided; the next run tells the agent. */
  decide(accept: boolean, reason: string): void {
    this.reader.decide(accept, reason);
  }

  async run(session: AgentSession): Promise<void> {
    const stop = (): void => {
      this.stopping = this.stopTurn();
    };
    session.signal.addEventListener('abort', stop, { once: true });
    try {
      await this.work(session);
    } catch (error) {
      // An interrupted run has nothing more to say: whoever interrupted it has told what there is to tell.
      if (!(error instanceof RunOverError) && !session.signal.aborted) await this.fail(session, error);
    } finally {
      session.signal.removeEventListener('abort', stop);
      await this.stopping;
    }
  }

  /** What is left of a turn that was interrupted, for the log. */
  takeInterrupted(): EventDraft[] {
    const { cut } = this;
    this.cut = undefined;
    return cut ? partialAnswer(cut) : [];
  }

  /**
   * Asks beside the work: a copy of the session is asked, so that the agent does not remember.
   * @throws AcpError, AcpUnsupportedError, AcpTimeoutError
   */
  async ask(question: string, context: ConnectContext): Promise<string> {
    return this.maskingErrors(async () => {
      const connection = await this.connector.connect(context);
      return this.connector.ask(connection, question, context.signal);
    });
  }

  /**
   * Gives a running agent another model; one that does not run gets it when it is started.
   * @throws AcpUnsupportedError with the words of the agent, AcpTimeoutError
   */
  async switchModel(model: string): Promise<AcpConnection | undefined> {
    const { current } = this.connector;
    if (!current) return undefined;
    const answer = current.setModel(model).catch((error: unknown) => {
      const text = `ACP server rejected set_session_model(model='${model}'): ${errorMessage(error)}`;
      throw new AcpUnsupportedError(text);
    });
    const limit = milliseconds(this.host.agent.acp_startup_timeout);
    await this.maskingErrors(() => withAcpTimeout(answer, limit));
    return current;
  }

  /** Whether its program was started and has not ended. */
  get isRunning(): boolean {
    return this.connector.current !== undefined;
  }

  /** Ends what an agent left behind whose server died. */
  endLeftovers(): Promise<void> {
    return this.connector.endLeftovers();
  }

  async close(): Promise<void> {
    this.turn?.drop();
    this.turn = undefined;
    await this.connector.close();
  }

  /** What goes wrong is told in the words of the agent, which knows the secrets. */
  private async maskingErrors<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const text = this.host.mask(errorMessage(error));
      if (error instanceof AcpError) throw new AcpError(error.code, text);
      if (error instanceof AcpUnsupportedError) throw new AcpUnsupportedError(text);
      throw error;
    }
  }

  private async work(session: AgentSession): Promise<void> {
    if (!(await beginRun(session)) || session.status === 'finished') return;
    // A turn that goes on began in another run: what was said before this one is known.
    session.beginStep();
    await session.setStatus('running');
    for (let turns = 1; ; turns++) {
      const turn = this.turn ?? (await this.beginTurn(session));
      if (!turn || !(await this.finishTurn(session, turn))) return;
      if (this.open(session).length === 0) {
        await session.finish();
        if (isDone(session) && !(await runStopHooks(session))) return;
        // A message came right behind, and its arrival has reset the status.
        if (session.status === 'idle') await session.setStatus('running');
      }
      if (session.pauseRequested) return session.pause();
      if (turns >= session.maxIterations) {
        const detail = `Agent reached maximum iterations limit (${session.maxIterations}).`;
        return session.setStatus('error', runErrorDraft('MaxIterationsReached', detail));
      }
    }
  }

  private open(session: AgentSession) {
    return unanswered(session.view, session.agentState, session.blockedMessages);
  }

  /** Tells the agent what was said to it; undefined: there is nothing to tell, or it must not be. */
  private async beginTurn(session: AgentSession): Promise<Turn | undefined> {
    session.beginStep();
    if (await finishIfMessageBlocked(session)) return undefined;
    const messages = this.open(session);
    const last = messages.at(-1);
    if (!last) {
      await session.finish();
      return undefined;
    }
    if (session.budgetExceeded !== undefined) {
      await session.setStatus('error', runErrorDraft('MaxBudgetReached', session.budgetExceeded));
      return undefined;
    }
    const connection = await this.connector.connect(session);
    const suffix = hasSuffix(session.agentState) ? undefined : contextOf(session);
    await session.append(agentStateUpdate(withPrompt(session.agentState, last.id, suffix !== undefined)));
    const turn = new Turn(last.id, (itemId) => session.stream(itemId));
    const blocks = promptBlocks(messages, connection.takesImages);
    if (suffix !== undefined) blocks.push({ type: 'text', text: suffix });
    this.turn = turn;
    this.prompting = turn.answeredBy(connection.prompt(blocks));
    return turn;
  }

  /** False when it cannot go on before a person has decided. */
  private async finishTurn(session: AgentSession, turn: Turn): Promise<boolean> {
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
      ...(cancelled ? partialAnswer(turn) : answerDrafts(turn, (text) => this.host.mask(text))),
      agentStateUpdate(state),
    );
    this.turn = undefined;
    return true;
  }

  private async fail(session: AgentSession, error: unknown): Promise<void> {
    const { turn } = this;
    this.turn = undefined;
    turn?.drop();
    const code = error instanceof AcpError ? error.code : errorName(error);
    const detail = errorMessage(error);
    turn?.stream.abort(code);
    const said = turn ? [...turn.calls.close('failed'), ...partialAnswer(turn)] : [];
    const text = detail.startsWith('ACP ') ? detail : `ACP error: ${detail}`;
    await session.append(...said, ...(turn ? [agentMessage(text)] : []), {
      ...runErrorDraft(code, detail),
      source: 'agent',
    });
    await session.setStatus('error');
  }

  /** Has the agent stop what it does; one that does not is ended. */
  private async stopTurn(): Promise<void> {
    const { turn } = this;
    const { current } = this.connector;
    if (!turn) return;
    this.turn = undefined;
    this.cut = turn;
    turn.stream.abort('cancelled');
    // First: what it is answered must not look like a wish to go on.
    const told = current?.cancel();
    const limit = new Promise<'late'>((resolve) => setTimeout(resolve, CANCEL_LIMIT_MS, 'late').unref());
    // It may not read.
    await Promise.race([told, limit]);
    turn.drop();
    if ((await Promise.race([this.prompting, limit])) !== 'late') return;
    this.logger.warn(`conversation ${this.host.conversationId}: the agent does not stop, so it is ended`);
    await current?.close();
  }

  private requested(request: RequestPermissionRequest): Promise<RequestPermissionResponse> {
    const { turn } = this;
    if (!turn) return Promise.resolve(toOutcome(undefined, request.options));
    return new Promise((resolve) => {
      const answer = (decision: Parameters<typeof toOutcome>[0]): void =>
        resolve(toOutcome(decision, request.options));
      turn.push({ type: 'permission', request, answer }, JSON.stringify(request).length);
    });
  }
}

function isDone({ status }: AgentSession): boolean {
  return status === 'finished';
}

/** What the server tells of the conversation: suffix, secrets, date. */
function contextOf({ view }: AgentSession): string | undefined {
  const prompt = view.events.find((event) => event.kind === 'SystemPromptEvent');
  return prompt?.kind === 'SystemPromptEvent' ? prompt.dynamic_context?.text : undefined;
}
