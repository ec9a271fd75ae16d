import {
  CONDENSATION_REQUEST,
  type AgentLoop,
  type AgentView,
  CondensationImpossibleError,
  type CondensationSession,
  canCondenseOnRequest,
} from '../../agent/index.js';
import type { Background } from '../conversation/background.js';
import { CannotCondenseError } from '../conversation-errors.js';
import type { Journal } from '../journal/journal.js';
import type { RunControl } from '../runs/run-control.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { UsageMeter } from '../state/usage-meter.js';
import type { ConversationState } from '../state/conversation-state.js';

/** Condenses the history of a conversation on request. */
export class ManualCondensation {
  /** The condensation in progress: a second request would pay for the same summary again. */
  private current: Promise<void> | undefined;

  constructor(
    private readonly journal: Journal,
    private readonly masker: SecretMasker,
    private readonly usage: UsageMeter,
    private readonly runs: RunControl,
    private readonly loop: AgentLoop,
    private readonly background: Background,
  ) {}

  /**
   * Condenses now, or waits for the condensation in progress. An active run condenses before its next step
   * instead.
   * @throws CannotCondenseError, BudgetSpentError, LlmError if the model returns no summary
   */
  async run(): Promise<void> {
    assertCondensable(this.journal.state);
    await this.usage.assertAffordable();
    if (this.runs.isBusy) {
      await this.journal.commit([CONDENSATION_REQUEST]);
      return;
    }
    this.current ??= this.background.track(this.condense()).finally(() => (this.current = undefined));
    await this.current;
  }

  private async condense(): Promise<void> {
    await this.runs.idle();
    const view = await this.journal.views.load();
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
    const { journal, masker, usage } = this;
    return {
      conversationId: journal.state.id,
      agent: journal.state.agent,
      view,
      signal: this.background.signal,
      append: async (...drafts) => {
        if (journal.views.loaded !== view) throw new CannotCondenseError('The active branch has changed');
        return journal.commit(drafts.map((draft) => masker.maskEvent(draft)));
      },
      // It is no run: its status stays as it is.
      report: () => undefined,
      countUsage: (usageId, model, response) => usage.count(usageId, model, response),
    };
  }
}

function assertCondensable({ agent: { condenser } }: Readonly<ConversationState>): void {
  if (!condenser) throw new CannotCondenseError('No condenser configured');
  if (!canCondenseOnRequest(condenser)) {
    throw new CannotCondenseError(`Condenser ${condenser.kind} does not handle condensation requests`);
  }
}
