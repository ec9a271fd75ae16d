import type { EventDraft } from '../../events/index.js';
import type { SecretsMissing } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';

/** Adds to an authentication error why the API key is missing, if a restart lost it. */
export function explainMissingKey(
  draft: EventDraft,
  { id, agent }: Pick<ConversationState, 'id' | 'agent'>,
  secrets: SecretsMissing,
): EventDraft {
  if (draft.kind !== 'ConversationErrorEvent' || draft.classification.kind !== 'auth') return draft;
  const reason = agent.llm.api_key ? undefined : secrets.whyMissing(id, '/agent/llm/api_key');
  return reason === undefined
    ? draft
    : { ...draft, detail: `${draft.detail}\nThe API key has no value: ${reason}.` };
}
