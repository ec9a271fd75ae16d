import type { ReadonlySignal } from '@preact/signals';

/** What the panels use of a conversation; a `ConversationInfo` has it. */
export interface InsightInfo {
  title: string | null;
  execution_status: string;
  workspace: { working_dir: string };
  max_budget_per_run?: number;
}

/** What each panel beside the events of a conversation is given. */
export interface InsightProps {
  conversationId: string;
  /**
   * The conversation as it is known now; null until it was read. A panel reads its data again when this
   * changes, at most once a second.
   */
  info: ReadonlySignal<InsightInfo | null>;
  /** Shows an event in the log. */
  onShowEvent: (eventId: string) => void;
}
