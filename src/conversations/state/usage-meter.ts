import { addUsage, summarizeStats } from '../../agent/index.js';
import { stateUpdate, type EventDraft } from '../../events/index.js';
import type { LlmResponse } from '../../llm/index.js';
import type { ConversationState } from './conversation-state.js';

/** Counts the tokens and the cost of models in the statistics of one conversation. */
export class UsageMeter {
  constructor(private readonly state: Pick<ConversationState, 'stats'>) {}

  /** Counts an answer. Returns the event with the new statistics, which the caller commits. */
  count(usageId: string, model: string, response: LlmResponse): EventDraft {
    addUsage(this.state.stats, usageId, model, response);
    return stateUpdate('stats', summarizeStats(this.state.stats));
  }
}
