import { addUsage, summarizeStats } from '../../agent/index.js';
import { stateUpdate, type EventDraft } from '../../events/index.js';
import type { KeyLimiter } from '../../limits/index.js';
import type { LlmResponse } from '../../llm/index.js';
import { BudgetSpentError } from '../conversation-errors.js';
import { budgetExceeded } from './budget.js';
import type { ConversationState } from './conversation-state.js';

/**
 * Counts the tokens and the cost of models in the statistics of one conversation, and the cost for the key
 * whose conversation it is. Says when neither may cost more.
 */
export class UsageMeter {
  constructor(
    private readonly state: Readonly<Pick<ConversationState, 'max_budget_per_run' | 'owner_key' | 'stats'>>,
    private readonly limiter: Pick<KeyLimiter, 'overSpent' | 'settleSpent' | 'spend'>,
  ) {}

  /** Counts an answer. Returns the event with the new statistics, which the caller commits. */
  count(usageId: string, model: string, response: LlmResponse): EventDraft {
    addUsage(this.state.stats, usageId, model, response);
    this.limiter.spend(this.state.owner_key, response.cost ?? 0);
    return stateUpdate('stats', summarizeStats(this.state.stats));
  }

  /** Call before `exceeded`: it knows then what other servers have spent. */
  settle(): Promise<void> {
    return this.limiter.settleSpent(this.state.owner_key);
  }

  /** Why models may not be called any more; undefined if they may. */
  get exceeded(): string | undefined {
    return budgetExceeded(this.state) ?? this.limiter.overSpent(this.state.owner_key);
  }

  /** For calls of models outside of runs. @throws BudgetSpentError */
  async assertAffordable(): Promise<void> {
    await this.settle();
    const why = this.exceeded;
    if (why !== undefined) throw new BudgetSpentError(why);
  }
}
