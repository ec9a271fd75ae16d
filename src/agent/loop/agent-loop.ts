import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { errorMessage, errorName } from '../../errors/index.js';
import type { EventDraft } from '../../events/index.js';
import { turnToWork } from '../../flow/index.js';
import { Llm, CallFormatError, LlmError } from '../../llm/index.js';
import { traced } from '../../telemetry/index.js';
import { ToolRegistry } from '../../tools/index.js';
import { RunOverError, type AgentDriver, type AgentSession } from '../agent-session.js';
import { canCondenseOnRequest } from '../condenser/condenser-spec.js';
import { Condenser, type CondensationSession } from '../condenser/condenser.js';
import { environmentMessage, rejectionDraft, runErrorDraft, userMessage } from '../event-drafts.js';
import { runStopHooks } from '../hooks/run-hooks.js';
import { AgentStep } from './agent-step.js';
import { detectStuck } from './stuck-detector.js';

const POLICY_VIOLATION_REQUEST =
  'The content policy of the model provider refused the last request. Please rephrase it and try again.';

/** Event that requests a condensation of the history. */
export const CONDENSATION_REQUEST: EventDraft = { source: 'environment', kind: 'CondensationRequest' };

/** Runs an agent step by step until it finishes, waits for a person, or fails. */
@Injectable()
export class AgentLoop implements AgentDriver {
  private readonly step: AgentStep;
  private readonly condenser: Condenser;

  constructor(llm: Llm, registry: ToolRegistry) {
    this.condenser = new Condenser(llm);
    this.step = new AgentStep(llm, registry, this.condenser);
  }

  /**
   * Condenses the history between runs, on request.
   * @throws CondensationImpossibleError, LlmError
   */
  async condense(session: CondensationSession): Promise<void> {
    await this.condenser.run(session, CONDENSATION_REQUEST);
  }

  async run(session: AgentSession): Promise<void> {
    try {
      await this.runSteps(session);
    } catch (error) {
      // Whoever interrupted the run has already appended its outcome.
      if (error instanceof RunOverError || session.signal.aborted) return;
      await this.fail(session, error);
    }
  }

  private async runSteps(session: AgentSession): Promise<void> {
    if (!(await beginRun(session))) return;
    for (let iteration = 1; ; iteration++) {
      await turnToWork();
      if (['paused', 'stuck', 'error'].includes(session.status)) return;
      if (session.status === 'finished') {
        // A run of a conversation that was already finished does nothing.
        if (iteration === 1 || !(await runStopHooks(session))) return;
        if (iteration > session.maxIterations) return this.stopAtLimit(session);
      }
      if (session.stuckDetection && (await this.checkStuck(session))) return;
      if (session.status === 'waiting_for_confirmation') await session.setStatus('running');
      await session.settleBudget();
      if (session.budgetExceeded !== undefined && session.view.pendingActions().length === 0) {
        // Pending actions are still executed: they were paid for.
        await session.setStatus('error', runErrorDraft('MaxBudgetReached', session.budgetExceeded));
        return;
      }
      const warnings = session.budgetWarnings();
      if (warnings.length > 0) await session.append(...warnings);
      session.beginStep();
      await traced(
        'step',
        () => ({ attributes: { 'openhands.step': iteration } }),
        () => this.runStep(session),
      );
      await this.resumeForNewMessage(session);
      if (session.status === 'waiting_for_confirmation') return;
      if (session.pauseRequested && session.status === 'running') await session.pause();
      if (iteration >= session.maxIterations && session.status === 'running') {
        await this.stopAtLimit(session);
        return;
      }
    }
  }

  /**
   * Runs a step and handles errors that the agent can recover from. A history that the provider rejects is
   * condensed in the next step. A content policy violation or an unreadable call is reported to the agent as
   * a message. All other errors end the run.
   */
  private async runStep(session: AgentSession): Promise<void> {
    try {
      await this.step.run(session);
    } catch (error) {
      if (isHistoryRejected(error) && canCondenseOnRequest(session.agent.condenser)) {
        await session.append(CONDENSATION_REQUEST);
        return;
      }
      const request = feedbackForAgent(error);
      if (request === undefined) throw error;
      await session.append(...messageOnBehalfOfUser(request));
    }
  }

  /**
   * Continues the run for a message that arrived during the step, even if the step finished it or waits for
   * approval.
   */
  private async resumeForNewMessage(session: AgentSession): Promise<void> {
    if (!session.hasNewUserMessage) return;
    // `idle`: the message arrived right after the end of the step and reset the status.
    if (session.status === 'idle') await session.setStatus('running');
    if (session.status !== 'waiting_for_confirmation') return;
    const superseded = session.view
      .pendingActions()
      .map((action) => rejectionDraft(action, 'Superseded by a new user message'));
    await session.append(...superseded);
    await session.setStatus('running');
  }

  private async checkStuck(session: AgentSession): Promise<boolean> {
    const verdict = detectStuck(session.view.recent);
    if (verdict.kind === 'nudge') await session.append(environmentMessage(verdict.text));
    if (verdict.kind === 'stuck') await session.setStatus('stuck');
    return verdict.kind === 'stuck';
  }

  private async stopAtLimit(session: AgentSession): Promise<void> {
    const code = 'MaxIterationsReached';
    const detail = `Agent reached maximum iterations limit (${session.maxIterations}).`;
    await session.setStatus('error', runErrorDraft(code, detail));
  }

  private async fail(session: AgentSession, error: unknown): Promise<void> {
    const code = error instanceof LlmError ? error.code : errorName(error);
    await session.setStatus('error', runErrorDraft(code, errorMessage(error)));
  }
}

/** The message to the agent about an error that it can recover from; undefined for other errors. */
function feedbackForAgent(error: unknown): string | undefined {
  if (error instanceof CallFormatError) return error.message;
  const isPolicy = error instanceof LlmError && error.code === 'LLMContentPolicyViolationError';
  return isPolicy ? POLICY_VIOLATION_REQUEST : undefined;
}

/** A message in the user's name, recorded as the last user message. */
function messageOnBehalfOfUser(text: string): EventDraft[] {
  const id = randomUUID();
  return [
    { id, ...userMessage(text) },
    { source: 'environment', key: 'last_user_message_id', value: id, kind: 'ConversationStateUpdateEvent' },
  ];
}

/** A condensation may help: there are too many tokens, or calls and results do not match. */
function isHistoryRejected(error: unknown): boolean {
  return (
    error instanceof LlmError &&
    ['LLMContextWindowExceedError', 'LLMMalformedConversationHistoryError'].includes(error.code)
  );
}

/** Sets the status to `running`. Returns false if a pause was requested while the run was being prepared. */
export async function beginRun(session: AgentSession): Promise<boolean> {
  if (session.pauseRequested) {
    if (['idle', 'running'].includes(session.status)) await session.pause();
    return false;
  }
  if (['idle', 'paused', 'error', 'stuck'].includes(session.status)) await session.setStatus('running');
  return true;
}
