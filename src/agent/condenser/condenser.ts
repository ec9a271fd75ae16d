import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { plainText, type DurableEvent, type EventDraft } from '../../events/index.js';
import { type Llm, type LlmResponse, LlmError, modelFeatures } from '../../llm/index.js';
import { traced } from '../../telemetry/index.js';
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

/** What the condenser needs from a conversation. */
export interface CondensationSession {
  readonly conversationId: string;
  readonly agent: AgentSpec;
  readonly view: AgentView;
  readonly signal: AbortSignal;
  append(...drafts: EventDraft[]): Promise<DurableEvent[]>;
  report(kind: 'condensation'): void;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
}

/** Growth of the view after which a failed optional summary is tried again (fraction). */
const RETRY_GROWTH = 0.1;

/**
 * The context window is full and nothing can be removed. Clients recognize a full context window by this
 * name.
 */
export class CondensationImpossibleError extends Error {
  override readonly name = 'LLMContextWindowExceedError';
}

/**
 * Keeps the views of agents short: decides when to condense, has a model write the summary, and records it.
 */
export class Condenser {
  private readonly logger = new Logger('Condenser');
  /** Lengths of views for which a summary failed, so that not every step tries again. */
  private readonly failedViewLengths = new WeakMap<AgentView, number>();

  private readonly viewTokens = new ViewTokens();

  constructor(private readonly llm: Llm) {}

  /**
   * Records the token count of a call with the first `length` events of a view.
   * @param tokens as counted by the provider; 0 if unknown
   */
  recordUsage(view: AgentView, length: number, tokens: number): void {
    this.viewTokens.record(view, length, tokens);
  }

  /**
   * Condenses the view if necessary.
   * @param request event to append before the condensation; with it the view is condensed in any case
   * @returns whether it condensed
   * @throws CondensationImpossibleError, LlmError if the view does not fit the model and cannot be condensed
   */
  async run(session: CondensationSession, request?: EventDraft): Promise<boolean> {
    const { view, agent } = session;
    const inputLimit = modelFeatures(agent.llm).maxInputTokens;
    for (const spec of summarizers(agent.condenser)) {
      const input = {
        view,
        spec,
        tokens: this.viewTokens.of(view),
        inputLimit,
        requested: request !== undefined,
      };
      const need = condensationNeed(input);
      if (need === 'hard') return this.condenseNow(session, input, request);
      if (need === 'soft' && !this.hasFailedRecently(view) && (await this.tryCondense(session, input)))
        return true;
    }
    return false;
  }

  private async condenseNow(
    session: CondensationSession,
    input: CondensationInput,
    request: EventDraft | undefined,
  ): Promise<boolean> {
    const cut = planCut(input);
    try {
      if (cut) return await this.condense(session, input.spec, cut, 1, request);
    } catch (error) {
      if (!isTooLong(error)) throw error;
    }
    return this.reset(session, input.spec, request);
  }

  /** Condenses everything after the system prompt, with shorter excerpts until the summary request fits. */
  private async reset(
    session: CondensationSession,
    spec: SummarizingCondenserSpec,
    request: EventDraft | undefined,
  ): Promise<boolean> {
    const all = planReset(session.view);
    if (!all) {
      // The token count is an estimate: let the provider decide.
      if (!request && !session.view.condensationRequested) return false;
      throw new CondensationImpossibleError('The history cannot be made shorter than it is.');
    }
    let scale = 1;
    for (let attempt = 0; attempt <= spec.hard_context_reset_max_retries; attempt++) {
      try {
        return await this.condense(session, spec, all, scale, request);
      } catch (error) {
        // The caller must not request a condensation again.
        if (!isTooLong(error)) throw error;
        scale *= spec.hard_context_reset_context_scaling;
      }
    }
    throw new CondensationImpossibleError('The history is too long for the model that was to summarise it.');
  }

  /** The view still fits the model, so a failed summary does not stop the run. */
  private async tryCondense(session: CondensationSession, input: CondensationInput): Promise<boolean> {
    const cut = planCut(input);
    if (!cut) return false;
    try {
      return await this.condense(session, input.spec, cut, 1);
    } catch (error) {
      session.signal.throwIfAborted();
      if (!(error instanceof LlmError)) throw error;
      this.failedViewLengths.set(session.view, session.view.events.length);
      this.logger.warn(
        `conversation ${session.conversationId}: optional condensation failed: ${errorMessage(error)}`,
      );
      return false;
    }
  }

  private hasFailedRecently(view: AgentView): boolean {
    const { length } = view.events;
    const failed = this.failedViewLengths.get(view);
    return failed !== undefined && length < failed * (1 + RETRY_GROWTH) && length >= failed;
  }

  private condense(
    session: CondensationSession,
    spec: SummarizingCondenserSpec,
    cut: Cut,
    scale: number,
    request?: EventDraft,
  ): Promise<boolean> {
    return traced(
      'condense',
      () => ({
        attributes: {
          'gen_ai.conversation.id': session.conversationId,
          'session.id': session.conversationId,
          'openhands.condensation.events': cut.end - cut.start,
          'openhands.condensation.scale': scale,
          'openhands.condensation.requested': request !== undefined,
        },
      }),
      () => this.summarise(session, spec, cut, scale, request),
    );
  }

  private async summarise(
    session: CondensationSession,
    { llm }: SummarizingCondenserSpec,
    { start, end }: Cut,
    scale: number,
    request?: EventDraft,
  ): Promise<boolean> {
    const { view } = session;
    const forgotten = view.events.slice(start, end);
    session.report('condensation');
    const response = await this.llm.complete({
      config: { ...llm, stream: false },
      messages: summaryRequest(forgotten, scale),
      tools: [],
      conversationId: session.conversationId,
      signal: session.signal,
    });
    // The same events were condensed meanwhile: that condensation stands, this call only counts its cost.
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
