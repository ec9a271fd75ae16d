import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import {
  createEvent,
  type ActionEvent,
  type DurableEvent,
  type EventDraft,
  stateUpdate,
} from '../../events/index.js';
import type { LlmTool } from '../../llm/index.js';
import type { JsonObject } from '../../json/index.js';
import type { AgentSession } from '../agent-session.js';
import { isBranchEvent } from '../agent-view.js';
import { userMessage } from '../event-drafts.js';
import { toMessages, type ObservationRenderer } from '../messages/to-messages.js';
import { askCriticService, formatPercent } from './api-critic.js';
import {
  isEvaluated,
  evaluateLocally,
  needsWorkspaceChanges,
  refinementOf,
  type CriticResult,
} from './local-critics.js';

/** Key in the agent's state that counts refinement requests. */
const COUNTER = 'iterative_refinement_iteration';

/** Evaluates the agent's work with its critic. */
export class Critics {
  private readonly logger = new Logger('Critics');

  constructor(private readonly render: ObservationRenderer) {}

  /**
   * Adds the critic's verdicts to the events that it evaluates. If the critic fails, a warning is logged and
   * the agent continues without a verdict.
   */
  async evaluate(
    session: AgentSession,
    drafts: readonly EventDraft[],
    tools: () => readonly LlmTool[],
  ): Promise<EventDraft[]> {
    const { critic } = session.agent;
    if (!critic || !drafts.some((draft) => isEvaluated(critic, draft))) return [...drafts];
    const changed = needsWorkspaceChanges(critic) && (await session.workspaceChanged());
    const evaluated: EventDraft[] = [];
    for (const draft of drafts) {
      const result = isEvaluated(critic, draft)
        ? (evaluateLocally(critic['kind'], { draft, changed }) ??
          (await this.ask(session, critic, [...evaluated, draft], tools())))
        : undefined;
      evaluated.push(result ? withResult(draft, result) : draft);
    }
    return evaluated;
  }

  private async ask(
    session: AgentSession,
    critic: JsonObject,
    drafts: readonly EventDraft[],
    tools: readonly LlmTool[],
  ): Promise<CriticResult | undefined> {
    const made = drafts.map((draft): DurableEvent => createEvent(session.maskDraft(draft)));
    const latest = made.filter(isBranchEvent);
    const messages = toMessages([...session.view.events, ...latest], this.render);
    try {
      return await askCriticService(critic, { messages, tools }, session.signal);
    } catch (error) {
      session.signal.throwIfAborted();
      this.logger.warn(
        `conversation ${session.conversationId}: the critic gave no verdict: ${errorMessage(error)}`,
      );
      return undefined;
    }
  }
}

/**
 * Asks the agent to continue if the critic's score is below the threshold. Not if the user sent a message
 * meanwhile or the budget is spent.
 * @returns whether the agent has to continue
 */
export async function requestRefinement(session: AgentSession, finish: ActionEvent): Promise<boolean> {
  const refinement = refinementOf(session.agent.critic);
  const { critic_result: result } = finish;
  if (!refinement || !isResult(result) || result.score >= refinement.successThreshold) return false;
  const count = session.agentState[COUNTER];
  const iteration = (typeof count === 'number' ? count : 0) + 1;
  if (
    iteration > refinement.maxIterations ||
    session.hasNewUserMessage ||
    session.budgetExceeded !== undefined
  )
    return false;
  const id = randomUUID();
  await session.append(
    stateUpdate('agent_state', { ...session.agentState, [COUNTER]: iteration }),
    refinementMessage(id, result, iteration),
    stateUpdate('last_user_message_id', id),
  );
  return true;
}

/**
 * The agent's state without the refinement count; undefined if it has none. A new user message resets the
 * count.
 */
export function withoutRefinementCount(agentState: JsonObject): JsonObject | undefined {
  const { [COUNTER]: count, ...others } = agentState;
  return count === undefined ? undefined : others;
}

function refinementMessage(id: string, { score, metadata }: CriticResult, iteration: number): EventDraft {
  const issues = Array.isArray(metadata?.['issues']) ? metadata['issues'].map(String) : [];
  const list = issues.map((issue) => `\n* ${issue.replaceAll('_', ' ')}`).join('');
  const text =
    `The task appears incomplete (iteration ${iteration}, predicted success likelihood: ${formatPercent(score)}).\n\n` +
    (list === '' ? '' : `What may be wrong with the work so far:${list}\n\n`) +
    'Go through the requirements one by one and check each of them against what is really there. ' +
    'Say what works and what does not yet, complete what is missing, and then finish again.';
  return { id, ...userMessage(text) };
}

function withResult(draft: EventDraft, result: CriticResult): EventDraft {
  if (draft.kind === 'MessageEvent') return { ...draft, critic_result: result };
  if (draft.kind !== 'ActionEvent') return draft;
  // Keys in the API's order.
  const { summary, ...before } = draft;
  return { ...before, critic_result: result, summary };
}

function isResult(value: unknown): value is CriticResult {
  return typeof value === 'object' && value !== null && 'score' in value && typeof value.score === 'number';
}
