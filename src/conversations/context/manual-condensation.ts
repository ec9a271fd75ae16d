import { CONDENSATION_REQUEST, type AgentLoop } from '../../agent/loop/agent-loop.js';
import type { AgentView } from '../../agent/agent-view.js';
import { CondensationImpossibleError, type CondensationSession } from '../../agent/condenser/condenser.js';
import { canCondenseOnRequest } from '../../agent/condenser/condenser-spec.js';
import type { DurableEvent, EventDraft } from '../../events/index.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { Background } from '../conversation/background.js';
import { assertAffordable } from '../state/budget.js';
import { CannotCondenseError } from '../conversation-errors.js';
import type { ConversationState } from '../state/conversation-state.js';

/** What condensing needs of a conversation. */
export interface CondensationHost {
  readonly state: Readonly<ConversationState>;
  currentView(): Promise<AgentView>;
  /** Whether a view is that of the active branch. */
  isCurrent(view: AgentView): boolean;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  /** Without the secrets that are in it. */
  masked(draft: EventDraft): EventDraft;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
}

/** What condensing has to know of runs. */
export interface CondensationRuns {
  /** A run goes on that has another step to come. */
  readonly isBusy: boolean;
  /** Resolves when there is no run. @throws AlreadyRunningError for one that goes on */
  atRest(): Promise<void>;
}

/** Condenses the history of a conversation because somebody asked for it. */
export class ManualCondensation {
  constructor(
    private readonly host: CondensationHost,
    private readonly runs: CondensationRuns,
    private readonly loop: AgentLoop,
    private readonly background: Background,
  ) {}

  /**
   * Condenses now, or has the run that goes on do it before its next step.
   * @throws CannotCondenseError, BudgetSpentError, LlmError when no summary is to be had
   */
  async run(): Promise<void> {
    assertCondensable(this.host.state);
    assertAffordable(this.host.state);
    if (this.runs.isBusy) {
      await this.host.commit([CONDENSATION_REQUEST]);
      return;
    }
    await this.runs.atRest();
    const view = await this.host.currentView();
    await this.background.track(this.condense(view));
  }

  private async condense(view: AgentView): Promise<void> {
    try {
      await this.loop.condense(this.session(view));
    } catch (error) {
      if (error instanceof CondensationImpossibleError) {
        throw new CannotCondenseError('There is nothing to condense');
      }
      throw error;
    }
  }

  private session(view: AgentView): CondensationSession {
    const { host } = this;
    return {
      conversationId: host.state.id,
      agent: host.state.agent,
      view,
      signal: this.background.signal,
      append: async (...drafts) => {
        if (!host.isCurrent(view)) throw new CannotCondenseError('The conversation went on somewhere else');
        return host.commit(drafts.map((draft) => host.masked(draft)));
      },
      countUsage: (usageId, model, response) => host.countUsage(usageId, model, response),
    };
  }
}

function assertCondensable({ agent: { condenser } }: Readonly<ConversationState>): void {
  if (!condenser) throw new CannotCondenseError('No condenser configured');
  if (!canCondenseOnRequest(condenser)) {
    throw new CannotCondenseError(`Condenser ${condenser.kind} does not handle condensation requests`);
  }
}
