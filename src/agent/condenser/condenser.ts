import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { plainText, type DurableEvent, type EventDraft } from '../../events/index.js';
import type { Llm, LlmResponse } from '../../llm/llm.js';
import { LlmError } from '../../llm/errors/llm-error.js';
import { modelFeatures } from '../../llm/catalogue/model-features.js';
import type { AgentSpec } from '../agent-spec.js';
import type { AgentView } from '../agent-view.js';
import { summarizers, type SummarizingCondenserSpec } from './condenser-spec.js';
import {
  condensationNeed,
  planCut,
  planReset,
  type CondensationInput,
  type Cut,
} from './condensation-plan.js';
import { summaryRequest } from './summary-prompt.js';
import { ViewTokens } from './view-tokens.js';

/** What condensing needs of a conversation. */
export interface CondensationSession {
  readonly conversationId: string;
  readonly agent: AgentSpec;
  readonly view: AgentView;
  readonly signal: AbortSignal;
  append(...drafts: EventDraft[]): Promise<DurableEvent[]>;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
}

/** Events that a view has to grow by before a summary is tried again that failed (as a part of it). */
const RETRY_GROWTH = 0.1;

/**
 * There is no room for the model, and nothing that could be taken out. Its name is what clients know a full
 * context window by.
 */
export class CondensationImpossibleError extends Error {
  override readonly name = 'LLMContextWindowExceedError';
}

/** Keeps the views of agents short: finds out when that is due, has a summary written, and records it. */
export class Condenser {
  private readonly logger = new Logger('Condenser');
  /** Sizes of views at which a summary was not to be had: not every step asks again. */
  private readonly failedViewLengths = new WeakMap<AgentView, number>();

  private readonly viewTokens = new ViewTokens();

  constructor(private readonly llm: Llm) {}

  /**
   * The agent's model was asked with the first `length` events of a view.
   * @param tokens what its provider has counted; 0: nothing
   */
  recordUsage(view: AgentView, length: number, tokens: number): void {
    this.viewTokens.record(view, length, tokens);
  }

  /**
   * Condenses the view if that is due.
   * @param request it is due in any case; what stands in the log before the condensation
   * @returns whether it did
   * @throws CondensationImpossibleError, LlmError when it is due for want of room and cannot be done
   */
  async run(session: CondensationSession, request?: EventDraft): Promise<boolean> {
    const { view, agent } = session;
    const inputLimit = modelFeatures(agent.llm).maxInputTokens;
    for (const spec of summarizers(agent.condenser)) {
      const it = {
        view,
        spec,
        tokens: this.viewTokens.of(view),
        inputLimit,
        requested: request !== undefined,
      };
      const need = condensationNeed(it);
      if (need === 'hard') return this.condenseNow(session, it, request);
      if (need === 'soft' && !this.hasFailedRecently(view) && (await this.tryCondense(session, it)))
        return true;
    }
    return false;
  }

  private async condenseNow(
    session: CondensationSession,
    it: CondensationInput,
    request: EventDraft | undefined,
  ): Promise<boolean> {
    const cut = planCut(it);
    try {
      if (cut) return await this.condense(session, it.spec, cut, 1, request);
    } catch (error) {
      if (!isTooLong(error)) throw error;
    }
    return this.reset(session, it.spec, request);
  }

  /** Takes everything out, from shorter and shorter excerpts until the summary fits. */
  private async reset(
    session: CondensationSession,
    spec: SummarizingCondenserSpec,
    request: EventDraft | undefined,
  ): Promise<boolean> {
    const all = planReset(session.view);
    if (!all) {
      // What was only counted may be wrong: the model has the last word.
      if (!request && !session.view.condensationRequested) return false;
      throw new CondensationImpossibleError('The history cannot be made shorter than it is.');
    }
    let scale = 1;
    for (let attempt = 0; attempt <= spec.hard_context_reset_max_retries; attempt++) {
      try {
        return await this.condense(session, spec, all, scale, request);
      } catch (error) {
        // Whoever catches it must not ask for a condensation again.
        if (!isTooLong(error)) throw error;
        scale *= spec.hard_context_reset_context_scaling;
      }
    }
    throw new CondensationImpossibleError('The history is too long for the model that was to summarise it.');
  }

  /** Where there is room still, a summary that cannot be had is no reason to stop. */
  private async tryCondense(session: CondensationSession, it: CondensationInput): Promise<boolean> {
    const cut = planCut(it);
    if (!cut) return false;
    try {
      return await this.condense(session, it.spec, cut, 1);
    } catch (error) {
      session.signal.throwIfAborted();
      if (!(error instanceof LlmError)) throw error;
      this.failedViewLengths.set(session.view, session.view.events.length);
      this.logger.warn(
        `conversation ${session.conversationId} goes on without a summary: ${errorMessage(error)}`,
      );
      return false;
    }
  }

  private hasFailedRecently(view: AgentView): boolean {
    const size = this.failedViewLengths.get(view);
    return size !== undefined && view.events.length < size * (1 + RETRY_GROWTH) && view.events.length >= size;
  }

  private async condense(
    session: CondensationSession,
    { llm }: SummarizingCondenserSpec,
    { start, end }: Cut,
    scale: number,
    request?: EventDraft,
  ): Promise<boolean> {
    const { view } = session;
    const forgotten = view.events.slice(start, end);
    const response = await this.llm.complete({
      config: { ...llm, stream: false },
      messages: summaryRequest(forgotten, scale),
      tools: [],
      conversationId: session.conversationId,
      signal: session.signal,
    });
    // Somebody else condensed the same events meanwhile: theirs stands, this one only cost something.
    const same = forgotten.every((event, index) => view.events[start + index] === event);
    const usage = session.countUsage(llm.usage_id, llm.model, response);
    if (!same) {
      await session.append(usage);
      return true;
    }
    const condensation: EventDraft = {
      source: 'environment',
      forgotten_event_ids: forgotten.map(({ id }) => id),
      summary: plainText(response.message.content),
      summary_offset: start,
      llm_response_id: response.id,
      kind: 'Condensation',
    };
    await session.append(...(request ? [request] : []), condensation, usage);
    return true;
  }
}

function isTooLong(error: unknown): boolean {
  return error instanceof LlmError && error.code === 'LLMContextWindowExceedError';
}
