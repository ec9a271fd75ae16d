import { CONDENSATION_REQUEST, type AgentLoop } from '../../agent/agent-loop.js';
import type { AgentView } from '../../agent/agent-view.js';
import { CondensationImpossibleError, type CondensingSession } from '../../agent/condenser/condensing.js';
import { handlesRequests } from '../../agent/condenser/condenser-spec.js';
import type { DurableEvent, EventDraft } from '../../events/index.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { Background } from '../conversation/background.js';
import { assertAffordable } from '../state/budget.js';
import { CannotCondenseError } from '../conversation-errors.js';
import type { ConversationState } from '../state/conversation-state.js';

/** The parts of a conversation that `ManualCondensation` uses. */
export interface CondensationHost {
  readonly state: Readonly<ConversationState>;
  currentView(): Promise<AgentView>;
  /** Whether a view is the one of the active branch. */
  isCurrent(view: AgentView): boolean;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  /** Masks secrets. */
  masked(draft: EventDraft): EventDraft;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
}

/** The state of runs that `ManualCondensation` needs. */
export interface CondensationRuns {
  /** A run is active and will make another step. */
  readonly isBusy: boolean;
  /** Resolves when no run is active. @throws AlreadyRunningError if one continues */
  atRest(): Promise<void>;
}

/** Condenses the history of a conversation on request. */
export class ManualCondensation {
  constructor(
    private readonly host: CondensationHost,
    private readonly runs: CondensationRuns,
    private readonly loop: AgentLoop,
    private readonly background: Background,
  ) {}

  /**
   * Condenses now. An active run condenses before its next step instead.
   * @throws CannotCondenseError, BudgetSpentError, LlmError if the model returns no summary
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

  private session(view: AgentView): CondensingSession {
    const { host } = this;
    return {
      conversationId: host.state.id,
      agent: host.state.agent,
      view,
      signal: this.background.signal,
      append: async (...drafts) => {
        if (!host.isCurrent(view)) throw new CannotCondenseError('The active branch has changed');
        return host.commit(drafts.map((draft) => host.masked(draft)));
      },
      countUsage: (usageId, model, response) => host.countUsage(usageId, model, response),
    };
  }
}

function assertCondensable({ agent: { condenser } }: Readonly<ConversationState>): void {
  if (!condenser) throw new CannotCondenseError('No condenser configured');
  if (!handlesRequests(condenser)) {
    throw new CannotCondenseError(`Condenser ${condenser.kind} does not handle condensation requests`);
  }
}
