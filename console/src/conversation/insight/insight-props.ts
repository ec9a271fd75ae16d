import type { ReadonlySignal } from '@preact/signals';
import type { ConversationInfo } from '../live-conversation.js';

/** What each panel beside the events of a conversation is given. */
export interface InsightProps {
  conversationId: string;
  /**
   * The conversation as it is known now; null until it was read. A panel reads its data again when this
   * changes, at most once a second.
   */
  info: ReadonlySignal<ConversationInfo | null>;
  /** Shows an event in the log. */
  onShowEvent: (eventId: string) => void;
}
