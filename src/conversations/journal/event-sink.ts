import type { DurableEvent, EventDraft } from '../../events/index.js';
import type { ConversationState } from '../state/conversation-state.js';

/** How parts of a conversation append events. The `Journal` implements it. */
export interface EventSink {
  /** The state with all events that were committed. */
  readonly state: ConversationState;
  /** Appends events. The state follows at once; resolves when they are durable and published. */
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
}
