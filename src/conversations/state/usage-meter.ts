import { randomUUID } from 'node:crypto';
import { addUsage, summarizeStats } from '../../agent/index.js';
import { stateUpdate, type DurableEvent, type EventDraft } from '../../events/index.js';
import { asJsonObject, isJsonObject } from '../../json/index.js';
import type { BudgetWarning, KeyLimiter } from '../../limits/index.js';
import { type FailedCall, providerOf, type LlmResponse } from '../../llm/index.js';
import { CALL_FIELD, type ModelCall, NO_TOKENS, recordOf } from '../../usage/index.js';
import { BudgetSpentError } from '../conversation-errors.js';
import { budgetExceeded, budgetWarning } from './budget.js';
import type { ConversationState } from './conversation-state.js';

type Counted = Readonly<
  Pick<
    ConversationState,
    'agent' | 'id' | 'last_user_message_id' | 'max_budget_per_run' | 'owner_key' | 'stats' | 'tags'
  >
>;

/** The key of the events that say that a budget is nearly spent. */
export const BUDGET_WARNING = 'budget_warning';

/** What a call adds to the record of its conversation. */
type Outcome = Omit<ModelCall, 'id' | 'conversation_id' | 'run_id' | 'key_id' | 'provider' | 'tags'>;

/**
 * Counts each call of a model in the statistics of one conversation, and writes the record of it that the
 * ledger is made from. Says when neither the conversation nor its key may cost more.
 */
export class UsageMeter {
  /** Calls whose events are not in the log yet, by their ids. */
  private readonly unlogged = new Map<string, ModelCall>();
  /** Warnings that were given, one a budget and period. */
  private readonly warned = new Set<string>();

  constructor(
    private readonly state: Counted,
    private readonly limiter: Pick<KeyLimiter, 'overSpent' | 'nearlySpent' | 'settleSpent' | 'warnPercent'>,
  ) {}

  /** Counts an answer. Returns the event with the new statistics, which the caller commits. */
  count(usageId: string, model: string, response: LlmResponse): EventDraft {
    addUsage(this.state.stats, usageId, model, response);
    const { context_window: _, ...tokens } = response.usage;
    const { cost, latency } = response;
    const answered = response.model ?? model;
    return this.draft({ model: answered, usage_id: usageId, ...tokens, cost, latency, error: null });
  }

  /** Counts a call that failed or was interrupted: what it has cost, if anything, is not known. */
  countFailure({ usageId, model, error, latency }: FailedCall): EventDraft {
    return this.draft({ model, usage_id: usageId, ...NO_TOKENS, cost: null, latency, error });
  }

  /** Call with each event that is appended. */
  onAppended(event: DurableEvent): void {
    if (event.kind !== 'ConversationStateUpdateEvent' || event.key !== 'stats') return;
    const call = asJsonObject(event.value)[CALL_FIELD];
    if (isJsonObject(call)) this.unlogged.delete(String(call['id']));
  }

  /** The events of calls that were counted for a run which was interrupted before it has appended them. */
  takeUnlogged(): EventDraft[] {
    const drafts = [...this.unlogged.values()].map((call) => this.draftOf(call));
    this.unlogged.clear();
    return drafts;
  }

  /** Call before `exceeded`: it knows then what other servers have spent. */
  settle(): Promise<void> {
    return this.limiter.settleSpent(this.state.owner_key);
  }

  /** Why models may not be called any more; undefined if they may. */
  get exceeded(): string | undefined {
    return budgetExceeded(this.state) ?? this.limiter.overSpent(this.state.owner_key);
  }

  /** The events that say which budgets are nearly spent, each once while the conversation is open. */
  warnings(): EventDraft[] {
    const ofRun = budgetWarning(this.state, this.limiter.warnPercent);
    const all: BudgetWarning[] = [
      ...(ofRun ? [ofRun] : []),
      ...this.limiter.nearlySpent(this.state.owner_key),
    ];
    const fresh = all.filter(({ budget, period_start: start, limit }) => {
      const name = [budget, start, limit].join();
      return !this.warned.has(name) && this.warned.add(name);
    });
    return fresh.map((warning) => stateUpdate(BUDGET_WARNING, warning));
  }

  /** For calls of models outside of runs. @throws BudgetSpentError */
  async assertAffordable(): Promise<void> {
    await this.settle();
    const why = this.exceeded;
    if (why !== undefined) throw new BudgetSpentError(why);
  }

  private draft(outcome: Outcome): EventDraft {
    const { agent, id, last_user_message_id: run, owner_key: key, tags } = this.state;
    const call: ModelCall = {
      id: randomUUID(),
      conversation_id: id,
      run_id: run,
      key_id: key,
      // The program calls its models itself.
      provider: agent.kind === 'ACPAgent' ? 'acp' : providerOf(outcome.model),
      ...outcome,
      tags,
    };
    this.unlogged.set(call.id, call);
    return this.draftOf(call);
  }

  private draftOf(call: ModelCall): EventDraft {
    return stateUpdate('stats', { ...summarizeStats(this.state.stats), [CALL_FIELD]: recordOf(call) });
  }
}
